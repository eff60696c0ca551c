// What is being noted of a call: typed in the card during it and in the wrap-up after it, sent to be kept from the first
// key on. The application's answer never overwrites what is typed.
import type { TicketStatus, WrapUp } from '../backend';
import { listed } from '../features/wrap/words';
import { phone } from './phone.svelte';

/** Between two times of keeping while somebody types. A killed process loses no more than this. */
const EVERY_MS = 250;

export class Draft {
  readonly entry: string;
  disposition = $state('');
  status = $state<TicketStatus | null>(null);
  notes = $state('');
  tags = $state('');
  next = $state('');
  /** The agent has said how it stands: a disposition suggests nothing any more. */
  #stated: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dirty = false;
  readonly #later: boolean;

  /** `later`: of a call that was wrapped up before; it is kept when the agent says so, not with each key. */
  constructor(kept: WrapUp, comma: string, later = false) {
    this.#later = later;
    this.entry = kept.entry;
    this.disposition = kept.disposition ?? '';
    this.status = kept.status ?? null;
    this.notes = kept.notes ?? '';
    this.tags = (kept.tags ?? []).join(comma);
    this.next = kept.next_action ?? '';
    this.#stated = this.status !== null;
    if (!later) addEventListener('pagehide', this.#flush);
  }

  choose(disposition: string, suggests: TicketStatus): void {
    this.disposition = disposition;
    if (!this.#stated) this.status = suggests;
    this.changed();
  }

  state(status: TicketStatus): void {
    this.status = status;
    this.#stated = true;
    this.changed();
  }

  /** Something was typed: kept at once, and then at most every so often. */
  changed(): void {
    if (this.#later) return;
    this.#dirty = true;
    if (this.#timer !== undefined) return;
    this.#flush();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#dirty) this.changed();
    }, EVERY_MS);
  }

  /** The agent is through with it. */
  finish(): void {
    clearTimeout(this.#timer);
    removeEventListener('pagehide', this.#flush);
    this.#dirty = false;
    this.#send(true);
  }

  /** Nothing of it is wanted. */
  skip(): void {
    [this.disposition, this.status, this.notes, this.tags, this.next] = ['', null, '', '', ''];
    this.finish();
  }

  readonly #flush = (): void => {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#send(false);
  };

  #send(done: boolean): void {
    const { entry, disposition, status, notes, next } = this;
    phone.send({ command: 'work', ask: { do: 'keep', wrap_up: { entry, disposition, status, notes, tags: listed(this.tags), next_action: next, done } } });
  }
}
