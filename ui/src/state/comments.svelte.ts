// What was said of the recording in the player. A deleted comment is gone at once, and really when its toast is.
import type { CommentDraft, CommentView, Event, RecordingsCommand, Text } from '../backend';
import { threadsOf } from '../features/recordings/threads';
import { phone } from './phone.svelte';
import { TOAST_MS, toasts } from './toasts.svelte';

class Comments {
  /** Why the last one was not kept. */
  refused = $state.raw<Text>();
  #recording = $state<string>();
  #all = $state.raw<readonly CommentView[]>([]);
  #hidden = $state.raw<ReadonlySet<number>>(new Set());
  #deleting = new Map<number, { timer: ReturnType<typeof setTimeout>; recording: string }>();

  readonly threads = $derived(threadsOf(this.#all.filter((comment) => !this.#hidden.has(comment.id))));

  constructor() {
    addEventListener('pagehide', () => [...this.#deleting.keys()].forEach((id) => this.#carryOut(id)));
  }

  /** Those of the recording that was opened. */
  of(recording: string): void {
    this.#recording = recording;
    this.#all = [];
    this.refused = undefined;
    this.#ask({ do: 'comments', recording });
  }

  keep(recording: string, draft: CommentDraft): void {
    this.refused = undefined;
    this.#ask({ do: 'comment', recording, draft });
  }

  bookmark(recording: string, at_ms: number): void {
    this.keep(recording, { id: null, at_ms: Math.round(at_ms), reply_to: null, text: '' });
  }

  /** Hides it with the answers to it, offers to undo, and deletes when nobody did. */
  delete(recording: string, id: number, text: string): void {
    const gone = [id, ...this.#all.filter((comment) => comment.reply_to === id).map((comment) => comment.id)];
    this.#hidden = new Set([...this.#hidden, ...gone]);
    this.#deleting.set(id, { timer: setTimeout(() => this.#carryOut(id), TOAST_MS), recording });
    toasts.add({ text, level: 'info', undo: () => this.#undo(id, gone) });
  }

  take(told: Event): void {
    if (told.event !== 'recordings') return;
    const { recordings } = told;
    if (recordings.what === 'opened') this.of(recordings.recording.name);
    else if (recordings.what === 'comments' && recordings.recording === this.#recording) this.#all = recordings.comments;
    else if (recordings.what === 'not_commented' && recordings.recording === this.#recording) this.refused = recordings.text;
  }

  #undo(id: number, gone: readonly number[]): void {
    clearTimeout(this.#deleting.get(id)?.timer);
    this.#deleting.delete(id);
    this.#hidden = new Set([...this.#hidden].filter((other) => !gone.includes(other)));
  }

  #carryOut(id: number): void {
    const deleting = this.#deleting.get(id);
    if (deleting === undefined) return;
    clearTimeout(deleting.timer);
    this.#deleting.delete(id);
    this.#ask({ do: 'delete_comment', recording: deleting.recording, id });
  }

  #ask(recordings: RecordingsCommand): void {
    phone.send({ command: 'recordings', recordings });
  }
}

export const comments = new Comments();
phone.listen((event: Event) => comments.take(event));
