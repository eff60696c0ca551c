// The backend without an application: scripted calls in the browser, for design, tests and screenshots.
// `?scenario=NAME` (scenarios.ts, or `lost`), `&lang=ar`, `&theme=dark`, `&pace=0.1` (a tenth of the usual waiting).
// Echo answers; `busy@...`, `nobody@...` and `wrong@...` end the way they are called; so do accounts with the
// password `wrong` or a host that is called `unknown...`.
import { HISTORY_SHOWN, reduce } from '../state/reduce';
import { matches, passes, query } from '../state/search';
import type { Backend, CallStateView, CallView, Command, Event, HistoryEntry, NewAccount, Outcome, QualityView, Settings, Snapshot } from './index';
import { FakeCustomers } from './fake-customers';
import { checks } from './fake-check';
import { FakeCustomerFiles } from './fake-customer-files';
import { FakeDuplicates } from './fake-duplicates';
import { FakeConnectors } from './fake-connectors';
import { fate, giveBack, obeyDesk, premium, type Desk } from './fake-desk';
import { FakeRecordings, recordingOffers } from './fake-recordings';
import { FakeWork } from './fake-work';
import { offers } from './offers';
import { call as newCall, diagnostics, large, scenarios } from './scenarios';

const quality: QualityView = {
  level: 'good', sent: 0, received: 0, lost: 0, jitter_ms: 3.4, concealed: 0, buffer_ms: 40, round_trip_ms: 24, remote_loss: 0,
  microphone_gaps: 0, speaker_gaps: 0,
};

export function fake(query: URLSearchParams): Backend {
  return new FakePhone(query);
}

function practiceName(to: string): { name?: string } {
  const name = { 'echo@practice': 'Echo', 'sara@practice': 'Sara', 'omid@practice': 'Omid' }[to];
  return name === undefined ? {} : { name };
}

class FakePhone implements Backend {
  #snapshot: Snapshot;
  #onEvent: (event: Event) => void = () => {};
  #pace: number;
  readonly #customers = new FakeCustomers();
  readonly #files = new FakeCustomerFiles(this.#customers);
  readonly #duplicates = new FakeDuplicates(this.#customers);
  readonly #work: FakeWork;
  readonly #connectors = new FakeConnectors();
  #nextId = 1000;
  #lost: boolean;
  /** Calls that the scenario began with or that were made here: what they offer is kept up. */
  #own: Set<number>;
  #meter: ReturnType<typeof setInterval> | undefined;

  #recordings = new FakeRecordings((event) => this.#emit(event), (call, change) => this.#patch(call, change));
  #test: ReturnType<typeof setTimeout> | undefined;

  #testHeadset(seconds: number): void {
    clearTimeout(this.#test);
    if (seconds === 0) return this.#emit({ event: 'headset_test', test: { state: 'stopped' } });
    const verdict = { text: { code: 'test.good', params: {} }, speech_db: -24, noise_db: -60, peak: 0.4 };
    const later = (then: () => void) => { this.#test = setTimeout(then, seconds * 1000 * this.#pace); };
    this.#emit({ event: 'headset_test', test: { state: 'recording', seconds } });
    later(() => {
      this.#emit({ event: 'headset_test', test: { state: 'playing', verdict } });
      later(() => this.#emit({ event: 'headset_test', test: { state: 'done', verdict } }));
    });
  }

  constructor(query: URLSearchParams) {
    this.#lost = query.get('scenario') === 'lost';
    const asked = this.#lost ? 'home' : (query.get('scenario') ?? 'first-run');
    // `connected-…`: the same, with connectors.
    const name = asked.replace(/^connected-/, '');
    const start = large[name]?.() ?? scenarios[name];
    if (start === undefined) throw new Error(`no such scenario; there are: ${Object.keys(scenarios).join(', ')}`);
    const language = query.get('lang');
    const theme = query.get('theme');
    this.#pace = Number(query.get('pace') ?? 1);
    this.#snapshot = structuredClone(start);
    this.#own = new Set(start.calls.map((c) => c.id));
    this.#snapshot.customers = { cards: this.#customers.cardsOf(this.#snapshot) };
    this.#work = new FakeWork(this.#snapshot);
    this.#snapshot.work = this.#work.view(this.#snapshot);
    if (name !== asked) this.#snapshot.connectors = { ...this.#connectors.view, found: this.#connectors.foundFor(this.#snapshot) };
    this.#settle();
    if (language !== null) this.#snapshot.settings.language = language;
    if (theme === 'dark' || theme === 'light') this.#snapshot.settings.theme = theme;
    // Tests speak to it as the application would (`window.hatifFake.emit`).
    Object.assign(window, { hatifFake: { emit: (event: Event) => this.#told(event), ring: (name: string, address: string) => this.#ring(name, address, this.#snapshot.settings.default_account ?? 1), sent: this.sent } });
  }

  #told(event: Event): void {
    if (event.event === 'call_changed') this.#own.delete(event.call.id);
    this.#emit(event);
  }

  readonly sent: Command[] = [];

  ready(onEvent: (event: Event) => void): Promise<Snapshot> {
    if (this.#lost) return Promise.reject(new Error('scenario: the application does not answer'));
    this.#onEvent = onEvent;
    setInterval(() => this.#measure(), 1000);
    // As the application does: the newest, the rest by pages.
    return Promise.resolve(structuredClone({ ...this.#snapshot, history: this.#snapshot.history.slice(0, HISTORY_SHOWN) }));
  }

  send(command: Command): Promise<void> {
    this.sent.push(structuredClone(command));
    const desk = this.#desk();
    const obeyed = obeyDesk(desk, command) || [this.#customers, this.#files, this.#duplicates, this.#work, this.#connectors].some((part) => part.obey(desk, command));
    if (!obeyed) this.#obey(command);
    return Promise.resolve();
  }

  #obey(command: Command): void {
    switch (command.command) {
      case 'call':
        if (premium(command.to) && !command.confirmed) {
          return this.#emit({ event: 'command_failed', command: 'call', call: null, account: null, text: { code: 'dial.premium', params: {} } });
        }
        this.#dial(command.to, command.account ?? null);
        return;
      case 'answer':
        this.#hold(command.call);
        this.#become(command.call, { state: 'answering' });
        return this.#later(300, () => this.#talk(command.call));
      case 'reject':
        return this.#end(command.call, 'declined', 'call.declined');
      case 'hang_up':
        return this.#hangUp(command.call);
      case 'mute':
        return this.#change(command.call, (state) => ({ ...state, muted: command.on }));
      case 'hold':
        return this.#setHold(command.call, command.on);
      case 'practice_ring':
        return this.#ring(command.customer === 'sara' ? 'Sara' : 'Omid', `${command.customer}@practice`);
      case 'add_account':
        return this.#register(this.#nextId++, command.account);
      case 'change_account':
        return this.#register(command.id, command.account);
      case 'remove_account':
        return this.#emit({ event: 'account_gone', account: command.account });
      case 'register':
        return this.#registerAgain(command.account);
      case 'unregister': {
        const account = this.#snapshot.accounts.find((a) => a.id === command.account);
        return account && this.#emit({ event: 'account_changed', account: { ...account, registration: { state: 'off' } } });
      }
      case 'select_device': {
        const devices = { ...this.#snapshot.devices, [command.role]: command.device, problem: null };
        return this.#emit({ event: 'devices_changed', devices });
      }
      case 'devices':
        return this.#emit({ event: 'devices_changed', devices: this.#snapshot.devices });
      case 'select_ringers': {
        const devices = { ...this.#snapshot.devices, ringer: command.devices[0] ?? null, ringers: command.devices };
        return this.#emit({ event: 'devices_changed', devices });
      }
      case 'test_headset':
        return this.#testHeadset(command.seconds);
      case 'check_connection': {
        const account = this.#snapshot.accounts.find((a) => a.id === command.account);
        return account && checks(account).forEach((check, n) => setTimeout(() => this.#emit({ event: 'check', check }), 150 * n * this.#pace));
      }
      case 'diagnostics':
        return this.#emit({ event: 'diagnostics', diagnostics });
      case 'meter':
        return this.#runMeter(command.on);
      case 'find_history':
        return this.#find(command);
      case 'recordings':
        return this.#recordings.obey(command.recordings);
      case 'window':
        return this.#emit({ event: 'window_changed', window: command.window });
      case 'change_settings':
        return this.#set(command.settings);
      case 'reset_setting':
        return this.#reset(command.setting);
      case 'export_settings': {
        const text = JSON.stringify({ hatif_settings: 1, settings: this.#snapshot.settings });
        return this.#emit({ event: 'settings_exported', text, file: '/home/layla/Downloads/hatif-settings.json' });
      }
      case 'import_settings':
        return this.#import(command.text);
      case 'delete_history_entry': {
        const history = this.#snapshot.history.filter((entry) => entry.id !== command.entry);
        return this.#emit({ event: 'history_changed', history });
      }
      case 'clear_history':
        return this.#emit({ event: 'history_changed', history: [] });
      case 'dismiss_notice':
        return this.#emit({ event: 'notice_gone', notice: command.notice });
      case 'snapshot':
        return this.#emit({ event: 'snapshot', snapshot: structuredClone(this.#snapshot) });
    }
  }

  /** Pages of the call log; `next` is where the page after begins. */
  #find({ request, query: typed, filter, before, limit }: Extract<Command, { command: 'find_history' }>): void {
    const asked = query(typed ?? '');
    const { history } = this.#snapshot;
    const entries: HistoryEntry[] = [];
    let at = Number(before ?? 0);
    for (; at < history.length && entries.length < (limit ?? 50); at++) {
      const entry = history[at]!;
      if (passes(entry, filter ?? {}) && this.#work.passes(entry.id, filter ?? {}) && matches(entry, asked)) entries.push(entry);
    }
    const next = at < history.length ? String(at) : null;
    this.#later(20, () => this.#emit({ event: 'history_page', request, entries, next }));
  }

  #emit(event: Event): void {
    this.#snapshot = reduce(this.#snapshot, event);
    this.#onEvent(structuredClone(event));
    if (event.event === 'call_changed' && !this.#snapshot.customers?.cards.some((card) => card.call === event.call.id)) {
      const card = this.#customers.cardsOf(this.#snapshot).find((card) => card.call === event.call.id);
      if (card) this.#emit({ event: 'customers', told: { about: 'card_changed', card } });
    }
    if (event.event === 'call_changed') this.#work.follow(this.#desk(), event.call.id);
    if (event.event === 'call_gone') this.#work.follow(this.#desk(), event.call);
    if (event.event === 'call_changed' || event.event === 'call_gone') this.#settle();
  }

  /** What happened to one call changes what can be done with the others. A call that a test made up stays as it is. */
  #settle(): void {
    for (const call of this.#snapshot.calls) {
      if (!this.#own.has(call.id)) continue;
      const options = this.#snapshot.accounts.find((a) => a.id === call.account)?.config?.options;
      const desk = offers(call, this.#snapshot.calls, { helped: options?.help_to != null, room: options?.conference_room != null, mobile: options?.mobile != null });
      const actions = [...desk, ...recordingOffers(call, this.#snapshot.settings.recording)];
      if (actions.join() === call.actions.join()) continue;
      return this.#emit({ event: 'call_changed', call: { ...call, actions } });
    }
  }

  #desk(): Desk {
    const snapshot = () => this.#snapshot;
    return {
      get snapshot() {
        return snapshot();
      },
      emit: (event) => this.#emit(event),
      later: (ms, then) => this.#later(ms, then),
      patch: (id, change) => this.#patch(id, change),
      hold: (id, on) => this.#setHold(id, on),
      dial: (to, account, more) => this.#dial(to, account, more),
      end: (id, outcome, code) => this.#end(id, outcome, code),
    };
  }

  #patch(id: number, change: Partial<CallView>): void {
    const before = this.#call(id);
    if (before !== undefined && before.state.state !== 'ended') this.#emit({ event: 'call_changed', call: { ...before, ...change } });
  }

  /** Whoever is taken off hold is heard alone, or with the conference. */
  #setHold(id: number, on: boolean): void {
    if (!on) this.#hold(id);
    this.#change(id, (state) => ({ ...state, hold: on ? 'local' : 'none' }));
  }

  #later(ms: number, then: () => void): void {
    setTimeout(then, ms * this.#pace);
  }

  #call(id: number): CallView | undefined {
    return this.#snapshot.calls.find((c) => c.id === id);
  }

  #become(id: number, state: CallStateView): void {
    const before = this.#call(id);
    if (before === undefined || before.state.state === 'ended') return;
    this.#emit({ event: 'call_changed', call: newCall(id, state, before) });
  }

  #change(id: number, change: (state: Extract<CallStateView, { state: 'active' }>) => CallStateView): void {
    const state = this.#call(id)?.state;
    if (state?.state === 'active') this.#become(id, change(state));
  }

  /** One call at a time is heard: the others are held. */
  #hold(except: number): void {
    const joined = this.#call(except)?.conference === true;
    for (const other of this.#snapshot.calls)
      if (other.id !== except && !(joined && other.conference)) this.#change(other.id, (state) => ({ ...state, hold: 'local' }));
  }

  #dial(to: string, account: number | null, more: Partial<CallView> = {}): number | undefined {
    const from = this.#snapshot.accounts.find((a) => a.id === (account ?? this.#snapshot.settings.default_account ?? 1));
    if (from?.registration.state !== 'up') {
      const text = { code: 'call.not_registered', params: {} };
      this.#emit({ event: 'command_failed', command: 'call', call: null, account: null, text });
      return undefined;
    }
    const id = this.#nextId++;
    this.#own.add(id);
    this.#hold(id);
    const known = this.#snapshot.colleagues.find((c) => c.number === to)?.name;
    const peer = { name: known ?? null, address: to, ...practiceName(to) };
    this.#emit({
      event: 'call_changed',
      call: newCall(id, { state: 'dialing' }, { account: from.id, account_label: from.label, direction: 'outgoing', peer, started_ms: Date.now(), ...more }),
    });
    this.#later(400, () => this.#become(id, { state: 'ringing', early_media: false }));
    const failed = fate(to);
    if (failed) this.#later(1200, () => this.#end(id, ...failed));
    else this.#later(1600, () => this.#talk(id));
    return id;
  }

  #ring(name: string, address: string, account = 1): void {
    const label = this.#snapshot.accounts.find((other) => other.id === account)?.label ?? '';
    const peer = { name, address };
    const id = this.#nextId++;
    this.#own.add(id);
    this.#emit({
      event: 'call_changed',
      call: newCall(id, { state: 'incoming' }, { account, account_label: label, peer, started_ms: Date.now() }),
    });
  }

  #talk(id: number): void {
    if (this.#call(id)?.actions.includes('hang_up')) {
      this.#become(id, { state: 'active', since_ms: Date.now(), hold: 'none', muted: false });
    }
  }

  #hangUp(id: number): void {
    const state = this.#call(id)?.state;
    if (state?.state !== 'active') return this.#end(id, 'cancelled', 'call.cancelled');
    this.#end(id, 'answered', 'call.local_hang_up', Math.round((Date.now() - (state.since_ms ?? 0)) / 1000));
  }

  #end(id: number, outcome: Outcome, code: string, talked_s = 0): void {
    const ended = this.#call(id);
    if (ended === undefined || ended.state.state === 'ended') return;
    const reason = { code, params: {} };
    this.#become(id, { state: 'ended', reason, outcome, talked_s });
    const { peer, direction, started_ms, account, account_label } = ended;
    const entry = { id: String(id), peer, direction, started_ms, account, account_label, talked_s, outcome, reason };
    this.#emit({ event: 'history_entry_changed', entry });
    if (outcome !== 'transferred') giveBack(this.#desk(), ended);
    this.#later(6000, () => this.#emit({ event: 'call_gone', call: id }));
  }

  /** As the core does: what differs becomes the user's, what is locked is refused. */
  #set(settings: Settings): void {
    const before = this.#snapshot.settings;
    const changed = (Object.keys(settings) as (keyof Settings)[]).filter((k) => JSON.stringify(settings[k]) !== JSON.stringify(before[k]));
    const provenance = this.#snapshot.provenance;
    const locked = changed.find((k) => provenance[k] === 'locked');
    const params = { setting: locked ?? 'text_size', low: '80', high: '200' };
    const size = settings.text_size ?? 100;
    const code = locked ? 'settings.locked' : size < 80 || size > 200 ? 'settings.out_of_range' : undefined;
    if (code) return this.#emit({ event: 'command_failed', command: 'change_settings', call: null, account: null, text: { code, params } });
    const mine = Object.fromEntries(changed.map((k) => [k, 'user' as const]));
    this.#emit({ event: 'settings_changed', settings, provenance: { ...provenance, ...mine } });
  }

  #reset(setting: string): void {
    const { [setting]: _, ...provenance } = this.#snapshot.provenance;
    const usual: Settings = { language: null, theme: 'system', contrast: 'system', motion: 'system', text_size: 100, numerals: 'language', calendar: 'gregorian' };
    const settings = { ...this.#snapshot.settings, [setting]: usual[setting as keyof Settings] ?? null };
    this.#emit({ event: 'settings_changed', settings, provenance });
  }

  #import(text: string): void {
    let read: { hatif_settings?: number; settings?: Settings } | undefined;
    try {
      read = JSON.parse(text) as typeof read;
    } catch {
      // Told below, as a file of something else is.
    }
    if (read?.hatif_settings !== 1 || read.settings === undefined) {
      return this.#emit({ event: 'command_failed', command: 'import_settings', call: null, account: null, text: { code: 'settings.bad_file', params: {} } });
    }
    const { devices, ...settings } = read.settings;
    this.#set({ ...this.#snapshot.settings, ...settings });
    this.#emit({ event: 'settings_imported', left_out: devices ? ['devices'] : [] });
  }

  #register(id: number, config: NewAccount): void {
    const { password, ...kept } = config;
    const address = `${config.user}@${config.domain}`;
    const base = {
      id, kind: config.kind ?? 'registrar', label: config.label || address, address, transport: config.transport ?? 'udp',
      config: kept,
    } as const;
    this.#emit({ event: 'account_changed', account: { ...base, registration: { state: 'trying' } } });
    const code = password === 'wrong' ? 'reg.unauthorized' : config.domain.startsWith('unknown') ? 'wire.host_unknown' : undefined;
    this.#later(900, () => {
      const reason = { code: code ?? '', params: { host: config.domain } };
      const down = { state: 'down', reason, retry: code === 'wire.host_unknown', retry_at_ms: null } as const;
      this.#emit({ event: 'account_changed', account: { ...base, registration: code === undefined ? { state: 'up' } : down } });
      if (code === undefined && this.#snapshot.settings.default_account == null) {
        this.#emit({
          event: 'settings_changed',
          settings: { ...this.#snapshot.settings, default_account: id },
          provenance: { ...this.#snapshot.provenance, default_account: 'user' },
        });
      }
    });
  }

  #registerAgain(id: number): void {
    const account = this.#snapshot.accounts.find((a) => a.id === id);
    if (account === undefined) return;
    this.#emit({ event: 'account_changed', account: { ...account, registration: { state: 'trying' } } });
    this.#later(900, () => this.#emit({ event: 'account_changed', account: { ...account, registration: { state: 'up' } } }));
  }

  #measure(): void {
    for (const { id, state, quality: last } of this.#snapshot.calls) {
      if (state.state !== 'active') continue;
      const so_far = last ?? quality;
      const received = so_far.level === 'silent' ? 0 : (so_far.received ?? 0) + 50;
      this.#emit({ event: 'quality', call: id, quality: { ...so_far, sent: (so_far.sent ?? 0) + 50, received } });
    }
  }

  #runMeter(on: boolean): void {
    clearInterval(this.#meter);
    if (!on || this.#snapshot.devices.microphones.length === 0) return;
    let t = 0;
    this.#meter = setInterval(() => {
      t += 0.31;
      const microphone = Math.max(0, 0.45 + 0.35 * Math.sin(t) * Math.sin(t * 2.7));
      this.#emit({ event: 'level', microphone, speaker: 0 });
    }, 66);
  }
}
