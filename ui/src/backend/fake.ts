// The backend without an application: scripted calls in the browser, for design, tests and screenshots.
// `?scenario=NAME` (scenarios.ts, or `lost`), `&lang=ar`, `&theme=dark`, `&pace=0.1` (a tenth of the usual waiting).
// Echo answers; `busy@...`, `nobody@...` and `wrong@...` end the way they are called; so do accounts with the
// password `wrong` or a host that is called `unknown...`.
import { reduce } from '../state/reduce';
import type { Backend, CallStateView, CallView, Command, Event, NewAccount, Outcome, QualityView, Settings, Snapshot } from './index';
import { call as newCall, scenarios } from './scenarios';

const quality: QualityView = {
  level: 'good', sent: 0, received: 0, lost: 0, jitter_ms: 3.4, concealed: 0, buffer_ms: 40, round_trip_ms: 24, remote_loss: 0,
  microphone_gaps: 0, speaker_gaps: 0,
};

export function fake(query: URLSearchParams): Backend {
  return new FakePhone(query);
}

class FakePhone implements Backend {
  #snapshot: Snapshot;
  #onEvent: (event: Event) => void = () => {};
  #pace: number;
  #nextId = 1000;
  #lost: boolean;
  #meter: ReturnType<typeof setInterval> | undefined;

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
    const start = scenarios[this.#lost ? 'home' : (query.get('scenario') ?? 'first-run')];
    if (start === undefined) throw new Error(`no such scenario; there are: ${Object.keys(scenarios).join(', ')}`);
    const language = query.get('lang');
    const theme = query.get('theme');
    this.#pace = Number(query.get('pace') ?? 1);
    this.#snapshot = structuredClone(start);
    if (language !== null) this.#snapshot.settings.language = language;
    if (theme === 'dark' || theme === 'light') this.#snapshot.settings.theme = theme;
    // Tests speak to it as the application would (`window.hatifFake.emit`).
    Object.assign(window, { hatifFake: { emit: (event: Event) => this.#emit(event), sent: this.sent } });
  }

  readonly sent: Command[] = [];

  ready(onEvent: (event: Event) => void): Promise<Snapshot> {
    if (this.#lost) return Promise.reject(new Error('scenario: the application does not answer'));
    this.#onEvent = onEvent;
    setInterval(() => this.#measure(), 1000);
    return Promise.resolve(structuredClone(this.#snapshot));
  }

  send(command: Command): Promise<void> {
    this.sent.push(structuredClone(command));
    this.#obey(command);
    return Promise.resolve();
  }

  #obey(command: Command): void {
    switch (command.command) {
      case 'call':
        return this.#dial(command.to, command.account ?? null);
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
        if (!command.on) this.#hold(command.call);
        return this.#change(command.call, (state) => ({ ...state, hold: command.on ? 'local' : 'none' }));
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
      case 'meter':
        return this.#runMeter(command.on);
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

  #emit(event: Event): void {
    this.#snapshot = reduce(this.#snapshot, event);
    this.#onEvent(structuredClone(event));
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
    for (const other of this.#snapshot.calls)
      if (other.id !== except) this.#change(other.id, (state) => ({ ...state, hold: 'local' }));
  }

  #dial(to: string, account: number | null): void {
    const from = this.#snapshot.accounts.find((a) => a.id === (account ?? this.#snapshot.settings.default_account ?? 1));
    if (from?.registration.state !== 'up') {
      const text = { code: 'call.not_registered', params: {} };
      return this.#emit({ event: 'command_failed', command: 'call', call: null, account: null, text });
    }
    const id = this.#nextId++;
    this.#hold(id);
    const peer = { name: to.endsWith('@practice') ? { echo: 'Echo', sara: 'Sara', omid: 'Omid' }[to.split('@')[0] ?? ''] ?? null : null, address: to };
    this.#emit({
      event: 'call_changed',
      call: newCall(id, { state: 'dialing' }, { account: from.id, account_label: from.label, direction: 'outgoing', peer, started_ms: Date.now() }),
    });
    this.#later(400, () => this.#become(id, { state: 'ringing', early_media: false }));
    const user = to.split('@')[0];
    if (user === 'busy') this.#later(1200, () => this.#end(id, 'busy', 'call.busy'));
    else if (user === 'wrong') this.#later(1200, () => this.#end(id, 'failed', 'call.not_found'));
    else if (user !== 'nobody') this.#later(1600, () => this.#talk(id));
  }

  #ring(name: string, address: string): void {
    const peer = { name, address };
    this.#emit({
      event: 'call_changed',
      call: newCall(this.#nextId++, { state: 'incoming' }, { account: 1, account_label: 'Practice line', peer, started_ms: Date.now() }),
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
    this.#emit({ event: 'history_changed', history: [entry, ...this.#snapshot.history] });
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
    const usual: Settings = { language: null, theme: 'system', contrast: 'system', motion: 'system', text_size: 100, numerals: 'language', calendar: 'language' };
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
