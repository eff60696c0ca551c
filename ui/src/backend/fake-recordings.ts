// The library of recordings of the fake backend: a few of them, and a player that counts.
import type { Action, CallView, CommentView, Event, PlayerView, RecordingsCommand, RecordingsEvent, RecordingView, WaveView } from './bindings';

const NOW = Date.now();
const MINUTE = 60_000;

const recording = (n: number, name: string | null, address: string, length_ms: number | null, more: Partial<RecordingView> = {}): RecordingView => ({
  name: String(n).padStart(32, '0'), entry: String(n), account_label: 'Office', direction: n % 2 ? 'incoming' : 'outgoing',
  peer: { name, address }, started_ms: NOW - n * 47 * MINUTE, length_ms, paused_ms: 0, gaps_ms: 0, torn: false, held: false, comments: 0, expires_ms: null, ...more,
});

const LIBRARY: readonly RecordingView[] = [
  recording(1, 'Sara Ahmadi', '+98 21 8820 1140', 254_000, { paused_ms: 30_000 }),
  recording(2, null, '+49 30 1234567', 61_000, { held: true }),
  recording(3, 'خدمة العملاء', '+966 11 555 0100', 1_830_000, { torn: true }),
  recording(4, 'مریم کریمی', '+98 912 000 4321', 12_000, { gaps_ms: 400 }),
];

/** Words with pauses between them, taking turns. */
function wave(length_ms: number, turn: number): number[] {
  return Array.from({ length: length_ms / 100 }, (_, n) => {
    const speaks = Math.floor(n / 38) % 2 === turn;
    return speaks ? Math.round(90 + 80 * Math.abs(Math.sin(n * 0.9)) * Math.abs(Math.sin(n * 0.13))) : 3;
  });
}

/** What can be done with a call's recording, as `phone/recording.rs` says. */
export function recordingOffers(call: CallView, policy: string | undefined): Action[] {
  if (call.state.state !== 'active') return [];
  const always = policy === 'always';
  switch (call.recording ?? 'off') {
    case 'on':
      return always ? ['pause_recording'] : ['pause_recording', 'stop_recording'];
    case 'paused':
      return always ? ['resume_recording'] : ['resume_recording', 'stop_recording'];
    default:
      return policy === 'on_demand' || always ? ['record'] : [];
  }
}

export class FakeRecordings {
  #library = [...LIBRARY];
  #comments: ReadonlyMap<string, readonly CommentView[]> = new Map();
  #player: PlayerView | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly emit: (event: Event) => void,
    private readonly patch: (call: number, change: Partial<CallView>) => void,
  ) {}

  obey(asked: RecordingsCommand): void {
    switch (asked.do) {
      case 'begin':
      case 'resume':
        return this.patch(asked.call, { recording: 'on' });
      case 'pause':
        return this.patch(asked.call, { recording: 'paused' });
      case 'end':
        return this.patch(asked.call, { recording: 'off' });
      case 'find': {
        const words = (asked.query ?? '').toLowerCase();
        const fits = (r: RecordingView) =>
          `${r.peer.name} ${r.peer.address}`.toLowerCase().includes(words) &&
          (asked.direction == null || r.direction === asked.direction) && (asked.entry == null || r.entry === asked.entry);
        return this.#tell({ what: 'page', request: asked.request, recordings: this.#library.filter(fits), next_ms: null, next_name: null });
      }
      case 'open': {
        const opened = this.#library.find((r) => r.name === asked.recording);
        if (!opened) return;
        const length_ms = opened.length_ms ?? 0;
        const marks: WaveView['marks'] = opened.paused_ms > 0 ? [{ kind: 'pause', at_ms: 80_000, length_ms: opened.paused_ms }] : [];
        this.#tell({ what: 'opened', recording: opened, wave: { agent: wave(length_ms, 0), customer: wave(length_ms, 1), marks } });
        this.#player = { recording: opened.name, playing: false, at_ms: 0, length_ms, speed: 100, side: 'both', outlet: 'headset' };
        return this.#stand({});
      }
      case 'play':
        clearInterval(this.#timer);
        if (asked.on) this.#timer = setInterval(() => this.#stand({ at_ms: (this.#player?.at_ms ?? 0) + 100 }), 100);
        return this.#stand({ playing: asked.on });
      case 'seek':
        return this.#stand({ at_ms: asked.to_ms });
      case 'speed':
        return this.#stand({ speed: asked.percent });
      case 'balance':
        return this.#stand({ side: asked.side });
      case 'outlet':
        return this.#stand({ outlet: asked.outlet });
      case 'delete':
        this.#library = this.#library.filter((r) => r.name !== asked.recording);
        return this.#tell({ what: 'deleted', recording: asked.recording });
      case 'export':
        return this.#tell({ what: 'exported', recording: asked.recording, file: `/home/layla/Downloads/hatif-recording.${asked.format}` });
      case 'verify':
        return this.#tell({ what: 'verified', recording: asked.recording, problem: null });
      case 'hold': {
        this.#library = this.#library.map((r) => (r.name === asked.recording ? { ...r, held: asked.on } : r));
        const kept = this.#library.find((r) => r.name === asked.recording);
        if (kept) this.#tell({ what: 'kept', recording: kept });
        return;
      }
      case 'log': {
        const at = (n: number) => NOW - (60 - n) * MINUTE;
        const deeds = ['began', 'paused', 'resumed', 'ended', 'played'] as const;
        return this.#tell({ what: 'log', recording: asked.recording, entries: deeds.map((deed, n) => ({ at_ms: at(n), deed })) });
      }
      case 'comments':
        return this.#tellComments(asked.recording);
      case 'comment': {
        const { id, at_ms, reply_to, text } = asked.draft;
        const all = this.#comments.get(asked.recording) ?? [];
        const known = all.find((comment) => comment.id === id);
        const first = all.find((comment) => comment.id === reply_to);
        const next = known
          ? all.map((comment) => (comment === known ? { ...comment, text: text.trim() } : comment))
          : [...all, { id: all.length + 1, at_ms: first?.at_ms ?? at_ms, reply_to: reply_to ?? null, text: text.trim(), made_ms: Date.now() }];
        return this.#say(asked.recording, next.toSorted((a, b) => a.at_ms - b.at_ms || a.id - b.id));
      }
      case 'delete_comment':
        return this.#say(asked.recording, (this.#comments.get(asked.recording) ?? []).filter(({ id, reply_to }) => id !== asked.id && reply_to !== asked.id));
      case 'check':
        return this.#tell({ what: 'checked', whole: this.#library.length, missing: [], changed: [], strange: [], problem: null });
      case 'close':
        clearInterval(this.#timer);
        this.#player = undefined;
    }
  }

  #say(recording: string, all: readonly CommentView[]): void {
    this.#comments = new Map([...this.#comments, [recording, all]]);
    this.#library = this.#library.map((r) => (r.name === recording ? { ...r, comments: all.length } : r));
    this.#tellComments(recording);
  }

  #tellComments(recording: string): void {
    this.#tell({ what: 'comments', recording, comments: [...(this.#comments.get(recording) ?? [])] });
  }

  #stand(change: Partial<PlayerView>): void {
    if (this.#player === undefined) return;
    this.#player = { ...this.#player, ...change };
    this.#tell({ what: 'player', player: this.#player });
  }

  #tell(recordings: RecordingsEvent): void {
    this.emit({ event: 'recordings', recordings });
  }
}
