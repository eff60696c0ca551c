// The backend inside Hatif's window. The only file that names `@tauri-apps/api`.
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Backend, Event, Snapshot } from './index';

/** The one event of the application; its payload says what changed. */
const PHONE = 'phone';

export function tauri(): Backend {
  return {
    async ready(onEvent) {
      // The listener comes first. The snapshot is the first event that counts: what came before it is in it.
      let started = false;
      const snapshot = new Promise<Snapshot>((resolve, reject) => {
        listen<Event>(PHONE, ({ payload }) => {
          if (started) onEvent(payload);
          else if (payload.event === 'snapshot') {
            started = true;
            resolve(payload.snapshot);
          }
        })
          .then(() => invoke('ready'))
          .catch(reject);
      });
      return snapshot;
    },
    async send(command) {
      await invoke('send', { command });
    },
  };
}
