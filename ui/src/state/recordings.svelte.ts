// The library of recordings as it is looked through, and what is in its player. The application finds, opens and plays;
// here is only what it last told.
import type { Event, LogEntryView, MarkView, PlayerView, RecordingsCommand, RecordingsEvent, RecordingView, Text, WaveView } from '../backend';
import { phone } from './phone.svelte';
import { screen } from './screen.svelte';

const PAGE = 100;
/** The question that `learn` asks. */
const LEARNS = 0;

export type Direction = 'all' | 'incoming' | 'outgoing';

/** What a person should read once, about one recording. */
export type Word = { of: 'exported'; file: string } | { of: 'verified' } | { of: 'problem'; text: Text };

class Recordings {
  found = $state.raw<readonly RecordingView[]>([]);
  /** Nothing has come yet for what is asked. */
  loading = $state(true);
  /** There are more than are here. */
  next = $state.raw<{ ms: number; name: string | null } | null>(null);
  opened = $state.raw<RecordingView>();
  wave = $state.raw<WaveView>();
  player = $state.raw<PlayerView>();
  word = $state.raw<Word>();
  /** What was done to one of them. */
  log = $state.raw<{ recording: string; entries: readonly LogEntryView[] }>();
  /** What came of the last comparison of all files with the ledger. */
  checked = $state.raw<Extract<RecordingsEvent, { what: 'checked' }>>();
  /** Only those of this entry of the call log. */
  entry = $state<string | null>(null);

  /** Entries of the call log that have one, of the newest. */
  entries = $state.raw<ReadonlySet<string>>(new Set());

  #query = '';
  #direction: Direction = 'all';
  #request = 0;
  #more = false;

  /** Looks for something else. */
  find(query: string, direction: Direction): void {
    this.#query = query;
    this.#direction = direction;
    this.loading = true;
    this.#ask(null, PAGE);
  }

  /** Learns which calls were recorded. */
  learn(): void {
    this.ask({ do: 'find', request: LEARNS, query: '', direction: null, entry: null, before_ms: null, before_name: null, limit: 200 });
  }

  /** The recordings of one call. */
  show(entry: string): void {
    screen.show('recordings');
    this.entry = entry;
  }

  more(): void {
    if (this.next !== null && !this.#more) this.#ask(this.next, PAGE);
  }

  ask(recordings: RecordingsCommand): void {
    phone.send({ command: 'recordings', recordings });
  }

  open(recording: string): void {
    this.word = undefined;
    this.ask({ do: 'open', recording });
  }

  take(told: RecordingsEvent): void {
    switch (told.what) {
      case 'page':
        if (told.request === LEARNS) this.entries = new Set(told.recordings.map((r) => r.entry));
        if (told.request !== this.#request) return;
        this.found = this.#more ? [...this.found, ...told.recordings] : told.recordings;
        this.next = told.next_ms === null ? null : { ms: told.next_ms, name: told.next_name };
        this.#more = false;
        this.loading = false;
        return;
      case 'changed':
        this.learn();
        return this.#ask(null, Math.min(200, Math.max(PAGE, this.found.length)));
      case 'opened':
        this.opened = told.recording;
        this.wave = told.wave;
        this.player = undefined;
        return;
      case 'player':
        if (told.player.recording === this.opened?.name) this.player = told.player;
        return;
      case 'deleted':
        this.found = this.found.filter((r) => r.name !== told.recording);
        if (this.opened?.name === told.recording) this.#close();
        return;
      case 'exported':
        this.word = { of: 'exported', file: told.file };
        return;
      case 'verified':
        this.word = told.problem === null ? { of: 'verified' } : { of: 'problem', text: told.problem };
        return;
      case 'failed':
        this.word = { of: 'problem', text: told.text };
        return;
      case 'kept':
        if (told.recording.name === this.opened?.name) this.opened = told.recording;
        return;
      case 'log':
        this.log = told;
        return;
      case 'checked':
        this.checked = told;
        return;
      case 'comments':
        this.found = this.found.map((r) => (r.name === told.recording ? { ...r, comments: told.comments.length } : r));
        return;
      case 'not_commented':
      case 'closed':
        return;
    }
  }

  #close(): void {
    this.opened = undefined;
    this.wave = undefined;
    this.player = undefined;
  }

  #ask(before: { ms: number; name: string | null } | null, limit: number): void {
    this.#more = before !== null;
    this.#request += 1;
    const direction = this.#direction === 'all' ? null : this.#direction;
    this.ask({
      do: 'find',
      request: this.#request,
      query: this.#query,
      direction,
      entry: this.entry,
      before_ms: before?.ms ?? null,
      before_name: before?.name ?? null,
      limit,
    });
  }
}

export const recordings = new Recordings();
phone.listen((event: Event) => event.event === 'recordings' && recordings.take(event.recordings));

/** Peaks for so many columns: the highest of each stretch, 0 to 1. */
export function columns(peaks: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, n) => {
    const from = Math.floor((n * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((n + 1) * peaks.length) / count));
    let highest = 0;
    for (let i = from; i < to && i < peaks.length; i++) highest = Math.max(highest, peaks[i]!);
    return highest / 255;
  });
}

/** A mark as a share of the whole, from and length. */
export function share({ at_ms, length_ms }: MarkView, whole: number): { from: number; length: number } {
  return { from: at_ms / whole, length: length_ms / whole };
}
