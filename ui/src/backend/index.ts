// The one way from the page to the phone. Everything else in `ui/` speaks this interface, so the same page runs
// in Hatif's window (`tauri.ts`) and in a plain browser for design, tests and screenshots (`fake.ts`).
import type { Command, Event, Snapshot } from './bindings';

export type * from './bindings';

export interface Backend {
  /** Starts the events and answers everything there is to show. Events may come before the answer. */
  ready(onEvent: (event: Event) => void): Promise<Snapshot>;
  /** Hands a command over. What comes of it arrives as events; a refusal as `command_failed`. */
  send(command: Command): Promise<void>;
}

/** Picks the backend. Only one of the two is ever loaded. */
export async function connect(): Promise<Backend> {
  if ('__TAURI_INTERNALS__' in window) return (await import('./tauri')).tauri();
  return (await import('./fake')).fake(new URLSearchParams(location.search));
}
