// Deleting from the call log, with a way back: an entry disappears at once, and is really deleted when its toast has
// gone or the window closes.
import { phone } from './phone.svelte';
import { TOAST_MS, toasts } from './toasts.svelte';

class Deletions {
  /** Ids of entries that are no longer shown. */
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  #pending = new Map<string[], ReturnType<typeof setTimeout>>();

  constructor() {
    addEventListener('pagehide', () => [...this.#pending.keys()].forEach((ids) => this.#carryOut(ids)));
  }

  /** Hides entries, offers to undo, and deletes them when nobody did. */
  delete(ids: string[], text: string): void {
    if (ids.length === 0) return;
    this.hidden = new Set([...this.hidden, ...ids]);
    const timer = setTimeout(() => this.#carryOut(ids), TOAST_MS);
    this.#pending.set(ids, timer);
    toasts.add({ text, level: 'info', undo: () => this.#undo(ids) });
  }

  #undo(ids: string[]): void {
    clearTimeout(this.#pending.get(ids));
    this.#pending.delete(ids);
    const back = new Set(ids);
    this.hidden = new Set([...this.hidden].filter((id) => !back.has(id)));
  }

  #carryOut(ids: string[]): void {
    clearTimeout(this.#pending.get(ids));
    if (!this.#pending.delete(ids)) return;
    for (const entry of ids) phone.send({ command: 'delete_history_entry', entry });
  }
}

export const deletions = new Deletions();
