// The backend inside Hatif's window. The only file that names `@tauri-apps/api`.
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Backend, Event, Snapshot } from './index';

/** The one event of the application; its payload says what changed. */
const PHONE = 'phone';

export function tauri(): Backend {
  return {
    async ready(onEvent) {
      // The listener comes first, so that what changes while the snapshot is on its way is told too.
      await listen<Event>(PHONE, ({ payload }) => onEvent(payload));
      return invoke<Snapshot>('ready');
    },
    async send(command) {
      await invoke('send', { command });
    },
  };
}
