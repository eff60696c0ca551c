// What the fake backend starts with: one snapshot for each state that a screen can be in. For design, tests and
// screenshots (`?scenario=NAME`).
import { deskScenarios } from './scenarios-desk';
import type { AccountView, Action, DiagnosticsView, CallStateView, CallView, HistoryEntry, Outcome, Snapshot, Text } from './bindings';

const NOW = Date.now();
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const text = (code: string, params: Record<string, string> = {}): Text => ({ code, params });

export const practice: AccountView = {
  id: 1, kind: 'practice', label: 'Practice line', address: 'me@practice', transport: 'udp',
  registration: { state: 'up' }, config: null,
};

export const office: AccountView = {
  id: 2, kind: 'registrar', label: 'Office', address: '1001@pbx.example', transport: 'tls',
  registration: { state: 'up' },
  config: { label: 'Office', kind: 'registrar', user: '1001', domain: 'pbx.example', transport: 'tls', display_name: 'Layla Haddad' },
};

const support: AccountView = {
  id: 3, kind: 'registrar', label: 'خدمة العملاء', address: '2040@sip.hotline.example', transport: 'udp',
  registration: { state: 'trying' },
  config: { label: 'خدمة العملاء', kind: 'registrar', user: '2040', domain: 'sip.hotline.example', transport: 'udp' },
};

/** What the application offers in each state of a call. */
export function actionsOf(state: CallStateView): Action[] {
  switch (state.state) {
    case 'incoming':
      return ['answer', 'reject'];
    case 'dialing':
    case 'ringing':
    case 'answering':
      return ['hang_up'];
    case 'active': {
      const held = state.hold === 'local' || state.hold === 'both';
      return ['hang_up', state.muted ? 'unmute' : 'mute', held ? 'resume' : 'hold', ...(held ? [] : (['dtmf'] as const))];
    }
    default:
      return [];
  }
}

export function call(id: number, state: CallStateView, more: Partial<CallView> = {}): CallView {
  return {
    id, account: 2, account_label: 'Office', direction: 'incoming', queue: null, started_ms: Date.now(), quality: null,
    peer: { name: 'Sara Ahmadi', address: '+98 21 8820 1140' }, ivr: null, customer: null, dialled: null, verified: 'unknown', security: 'plain',
    practice: false, emergency: false, consult_for: null, replaces: null, conference: false, silenced: false, transfer: null,
    ask: null, digits: '',
    ...more, state, actions: actionsOf(state),
  };
}

const active = (since: number, hold: 'none' | 'local' = 'none', muted = false): CallStateView => ({
  state: 'active', since_ms: NOW - since, hold, muted,
});

const clear = {
  level: 'good', sent: 4120, received: 4102, lost: 2, jitter_ms: 4.2, concealed: 0.001, mos: 4.3, codec: 'opus', buffer_ms: 42, round_trip_ms: 38,
  remote_loss: 0, microphone_gaps: 0, speaker_gaps: 0,
} as const;

const names: [string | null, string, HistoryEntry['direction'], Outcome, number, number][] = [
  ['Sara Ahmadi', '+98 21 8820 1140', 'incoming', 'answered', 312, 9],
  [null, '+49 30 1234567', 'incoming', 'missed', 0, 24],
  ['محمد العلي', '+966 11 460 2200', 'outgoing', 'answered', 48, 51],
  ['امید کریمی', '0912 000 4321', 'outgoing', 'no_answer', 0, 95],
  ['Karim', '1007', 'incoming', 'elsewhere', 0, 130],
  [null, 'info@partner.example', 'outgoing', 'failed', 0, 1500],
  ['نورة السالم', '+971 4 330 1000', 'outgoing', 'busy', 0, 1540],
  ['Practice line', 'echo@practice', 'outgoing', 'answered', 75, 1600],
  ['Farid Haddad', '+33 1 70 18 99 00', 'incoming', 'declined', 0, 3100],
  [null, '600', 'outgoing', 'cancelled', 0, 3200],
  ['Thomas Köhler', '+43 1 58058 0', 'outgoing', 'rejected', 0, 9000],
];

const reasons: Partial<Record<Outcome, string>> = {
  answered: 'call.remote_hang_up', missed: 'call.missed', no_answer: 'call.no_answer', elsewhere: 'call.answered_elsewhere',
  failed: 'call.not_found', busy: 'call.busy', declined: 'call.declined', cancelled: 'call.cancelled', rejected: 'call.rejected',
};

const history: HistoryEntry[] = names.map(([name, address, direction, outcome, talked_s, ago], i) => ({
  id: String(100 - i), account: 2, account_label: 'Office', direction, outcome, talked_s,
  peer: { name, address }, started_ms: NOW - ago * MINUTE, reason: text(reasons[outcome] ?? 'call.remote_hang_up'),
}));

/** A log as long as a busy agent's after years: names in three scripts, a call every twenty minutes. */
function longHistory(length: number): HistoryEntry[] {
  return Array.from({ length }, (_, i) => {
    const [name, address, direction, outcome, talked_s] = names[i % names.length]!;
    const number = `+49 30 ${1_000_000 + ((i * 7919) % 900_000)}`;
    return {
      id: String(length - i), account: i % 5 ? 2 : 3, account_label: i % 5 ? 'Office' : 'خدمة العملاء', direction, outcome, talked_s: talked_s && talked_s + (i % 90),
      peer: { name: name && `${name} ${i % 977}`, address: i % 4 ? number : address }, started_ms: NOW - i * 20 * MINUTE,
      reason: text(reasons[outcome] ?? 'call.remote_hang_up'),
    };
  });
}

const empty: Snapshot = {
  version: '0.1.0', accounts: [practice], calls: [], history: [], notices: [], credentials: 'keyring', system_language: 'en',
  agent: { state: 'ready', reason: null, since_ms: NOW - 40 * MINUTE, do_not_disturb: false, call_waiting: true },
  colleagues: [], mailboxes: [], messages: [], forwarding: [],
  settings: { language: null, theme: 'system', default_account: null, welcomed: false },
  provenance: {},
  devices: {
    microphones: [
      { id: 'jabra-in', name: 'Jabra Evolve2 40', is_default: true },
      { id: 'built-in', name: 'Built-in Audio Analog Stereo', is_default: false },
    ],
    speakers: [
      { id: 'jabra-out', name: 'Jabra Evolve2 40', is_default: true },
      { id: 'hdmi', name: 'HDMI / DisplayPort', is_default: false },
    ],
    microphone: null, speaker: null, ringer: 'hdmi', ringers: ['hdmi'], problem: null,
  },
};

const welcomed = { ...empty.settings, welcomed: true, default_account: 2 };
const home: Snapshot = { ...empty, settings: welcomed, accounts: [practice, office], history };

function withCalls(...calls: CallView[]): Snapshot {
  return { ...home, calls };
}

function withRegistration(registration: AccountView['registration'], more: Partial<Snapshot> = {}): Snapshot {
  return { ...home, accounts: [practice, { ...office, registration }], ...more };
}

const longName = 'Abdurrahman Mustafa Al-Khwarizmi ibn Musa '.repeat(12);

/** Made only when it is asked for: it is large. */
export const large: Record<string, () => Snapshot> = {
  'history-long': () => ({ ...home, history: longHistory(100_000) }),
};

export const scenarios: Record<string, Snapshot> = {
  'first-run': empty,
  'first-run-until-close': { ...empty, credentials: 'until_close' },
  home,
  'home-empty': { ...home, history: [] },
  'home-practice-only': { ...empty, settings: { ...welcomed, default_account: null } },
  'home-two-accounts': { ...home, accounts: [practice, office, support] },
  'settings-managed': {
    ...home,
    settings: { ...welcomed, contrast: 'more', text_size: 120 },
    provenance: { contrast: 'locked', text_size: 'user', numerals: 'administrator' },
  },
  'sound-chosen': {
    ...home,
    settings: {
      ...welcomed,
      sound: { raw: true, sidetone: 20, speaker: { percent: 60, muted: true }, ringer: { percent: 45, muted: false } },
    },
    devices: { ...empty.devices, ringers: ['hdmi', 'jabra-out', 'gone'] },
    provenance: { sound: 'user' },
  },
  'home-offline': withRegistration({ state: 'down', reason: text('wire.no_network'), retry: true, retry_at_ms: NOW + MINUTE }),
  'home-wrong-password': withRegistration({ state: 'down', reason: text('reg.unauthorized'), retry: false, retry_at_ms: null }),
  'home-notices': {
    ...home,
    notices: [
      { id: 1, level: 'warning', text: text('store.corrupt_set_aside', { file: 'hatif-2026-11-21.db' }) },
      { id: 2, level: 'info', text: text('store.keyring_unavailable') },
      { id: 3, level: 'error', text: text('audio.no_microphone') },
    ],
  },
  'home-hostile': {
    ...home,
    history: [
      { ...history[0]!, peer: { name: '<img src=x onerror=alert(1)><b>bold</b>', address: '"><script>alert(1)</script>@evil' } },
      { ...history[1]!, peer: { name: longName, address: '9'.repeat(200) } },
      { ...history[2]!, peer: { name: 'Z̷̡̛͇a̵̢̛l̶̨̛g̷̢̛ơ̵̢' + '\u0301'.repeat(300), address: '1' } },
    ],
  },
  incoming: withCalls(call(1, { state: 'incoming' }, { queue: 'Orders', peer: { name: 'Sara Ahmadi', address: '+98 21 8820 1140' } })),
  'incoming-unknown': withCalls(call(1, { state: 'incoming' }, { queue: 'Orders', peer: { name: null, address: '+49 30 1234567' } })),
  'incoming-which': withCalls(call(1, { state: 'incoming' }, { peer: { name: null, address: '+971 4 330 1000' } })),
  'active-unknown': withCalls(call(1, active(9_000), { quality: clear, peer: { name: 'Anna Schmidt', address: '+49 30 1234567' } })),
  'incoming-second': withCalls(
    call(1, active(94_000), { quality: clear }),
    call(2, { state: 'incoming' }, { queue: 'الطلبات', peer: { name: 'نورة السالم', address: '+971 4 330 1000' } }),
  ),
  'incoming-many': withCalls(
    ...Array.from({ length: 100 }, (_, i) =>
      call(i + 1, { state: 'incoming' }, { peer: { name: i % 3 ? `Caller ${i + 1}` : null, address: `+49 30 ${1000 + i}` } }),
    ),
  ),
  'incoming-hostile': withCalls(call(1, { state: 'incoming' }, { queue: longName, peer: { name: longName, address: '8'.repeat(300) } })),
  dialing: withCalls(call(1, { state: 'dialing' }, { direction: 'outgoing', peer: { name: null, address: '+49 30 1234567' } })),
  ringing: withCalls(call(1, { state: 'ringing', early_media: false }, { direction: 'outgoing' })),
  active: withCalls(call(1, active(94_000), { quality: clear })),
  'active-muted': withCalls(call(1, active(3_725_000, 'none', true), { quality: { ...clear, level: 'fair', lost: 210, concealed: 0.034 } })),
  'active-held': withCalls(call(1, active(94_000, 'local'), { quality: clear })),
  'active-remote-hold': withCalls(call(1, { state: 'active', since_ms: NOW - 9000, hold: 'remote', muted: false })),
  'active-silent': withCalls(call(1, active(31_000), { quality: { ...clear, level: 'silent', received: 0 } })),
  'active-poor': withCalls(call(1, active(31_000), { quality: { ...clear, level: 'poor', mos: 1.9, lost: 900, concealed: 0.21 } })),
  'active-unheard': withCalls(call(1, active(31_000), { quality: { ...clear, level: 'poor', remote_loss: 0.12, microphone_gaps: 3 } })),
  'active-late': withCalls(call(1, active(31_000), { quality: { ...clear, level: 'poor', mos: 2.4, round_trip_ms: 620 } })),
  several: withCalls(
    call(1, active(640_000, 'local'), { quality: clear }),
    call(2, active(31_000), { peer: { name: 'امید کریمی', address: '0912 000 4321' }, direction: 'outgoing', quality: clear }),
    call(3, { state: 'ringing', early_media: true }, { peer: { name: null, address: '1007' }, direction: 'outgoing' }),
  ),
  work: { ...withCalls(call(1, active(94_000), { quality: clear })), settings: { ...welcomed, wrap_up: true } },
  'work-home': { ...home, settings: { ...welcomed, wrap_up: true } },
  ended: withCalls(call(1, { state: 'ended', reason: text('call.remote_hang_up'), outcome: 'answered', talked_s: 312 })),
  'ended-busy': withCalls(
    call(1, { state: 'ended', reason: text('call.busy'), outcome: 'busy', talked_s: 0 }, { direction: 'outgoing' }),
  ),
  'ended-failed': withCalls(
    call(1, { state: 'ended', reason: text('call.failed', { status: '503' }), outcome: 'failed', talked_s: 0 }, {
      direction: 'outgoing', peer: { name: null, address: 'info@partner.example' },
    }),
  ),
  'no-devices': {
    ...home,
    devices: { microphones: [], speakers: [], microphone: null, speaker: null, ringer: null, ringers: [], problem: text('audio.no_microphone') },
  },
  'device-gone': { ...home, devices: { ...empty.devices, microphone: 'headset-that-is-gone', problem: text('audio.device_gone') } },
  ...deskScenarios({ home, office, active, call, clear }),
  'yesterday-only': { ...home, history: history.map((h) => ({ ...h, started_ms: (h.started_ms ?? 0) - 3 * DAY })) },
};

export const diagnostics: DiagnosticsView = {
  system: 'linux x86_64', codecs: ['opus', 'G722', 'PCMA', 'PCMU'],
  log: [
    { at_ms: NOW - 60_000, level: 'info', part: 'hatif_app::app', text: 'account=2 registration=up' },
    { at_ms: NOW - 31_000, level: 'info', part: 'hatif_audio::slot', text: 'sound device opened role=Speaker fallback=false' },
    { at_ms: NOW - 30_000, level: 'warning', part: 'hatif_audio::slot', text: 'sound device lost role=Microphone fault=Gone' },
    { at_ms: NOW - 9_000, level: 'error', part: 'hatif_store::writer', text: 'the database failed code=13 doing=write' },
    { at_ms: NOW - 4_000, level: 'info', part: 'hatif_app::app', text: 'call=1 account=2 direction=Incoming state=active' },
  ],
};

/** Every account that the fake backend may be given again after a change. */
export const known = { practice, office };
