// The call log as it is looked through: pages of what was asked for, fetched as they are scrolled to. The application
// keeps and searches it, however long it is.
import type { Event, HistoryEntry, HistoryFilter } from '../backend';
import { phone } from './phone.svelte';

const PAGE = 100;
/** The most that is asked for at once. */
const LARGEST = 200;

class Log {
  entries = $state.raw<readonly HistoryEntry[]>([]);
  /** The first page of what was asked for is on its way, and what is shown is of the question before. */
  loading = $state(true);

  #query = '';
  #filter: HistoryFilter = {};
  #request = 0;
  /** Where the next page begins: `null` after the last. */
  #next = $state.raw<string | null>(null);
  #asked: 'first' | 'next' | 'again' | undefined;

  /** Nothing comes after the entries that are here. */
  get ended(): boolean {
    return this.#next === null;
  }

  /** Looks for something else. */
  find(query: string, filter: HistoryFilter): void {
    this.#query = query;
    this.#filter = filter;
    this.loading = true;
    this.#ask('first', null, PAGE);
  }

  /** The page after those that are here, if there is one. */
  more(): void {
    if (this.#asked === undefined && this.#next !== null) this.#ask('next', this.#next, PAGE);
  }

  /** The log has changed: the newest are fetched again, in their place. */
  again(): void {
    // A first page that is on its way may have been read before the change.
    if (this.#asked === 'first') this.#ask('first', null, PAGE);
    else this.#ask('again', null, Math.min(LARGEST, Math.max(PAGE, this.entries.length)));
  }

  take(page: Extract<Event, { event: 'history_page' }>): void {
    if (page.request !== this.#request) return;
    const asked = this.#asked;
    this.#asked = undefined;
    this.loading = false;
    if (asked === 'next') this.entries = [...this.entries, ...page.entries];
    else if (asked === 'again' && page.next !== null) {
      const last = page.entries.at(-1)?.started_ms ?? 0;
      const older = this.entries.filter((entry) => (entry.started_ms ?? 0) < last);
      this.entries = [...page.entries, ...older];
      if (older.length > 0) return;
    } else this.entries = page.entries;
    this.#next = page.next;
  }

  #ask(what: 'first' | 'next' | 'again', before: string | null, limit: number): void {
    this.#asked = what;
    this.#request += 1;
    phone.send({ command: 'find_history', request: this.#request, query: this.#query, filter: this.#filter, before, limit });
  }
}

export const log = new Log();
phone.listen((event) => event.event === 'history_page' && log.take(event));
