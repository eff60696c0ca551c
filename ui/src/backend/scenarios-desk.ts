// What the fake backend starts with for call control: consultations, conferences, asks, colleagues, messages.
import type { AccountView, CallStateView, CallView, ColleagueView, MessageView, QualityView, Snapshot } from './bindings';

const NOW = Date.now();
const MINUTE = 60_000;

interface Kit {
  home: Snapshot;
  office: AccountView;
  active: (since: number, hold?: 'none' | 'local', muted?: boolean) => CallStateView;
  call: (id: number, state: CallStateView, more?: Partial<CallView>) => CallView;
  clear: QualityView;
}

const colleague = (name: string, number: string, lamp: ColleagueView['lamp']): ColleagueView => ({ account: 2, name, number, lamp, pickup: true });

const colleagues: ColleagueView[] = [
  colleague('Karim Aziz', '1007', { state: 'free' }),
  colleague('نورة السالم', '1012', { state: 'busy' }),
  colleague('امید کریمی', '1020', { state: 'ringing', caller: { name: 'Thomas Köhler', address: '+43 1 58058 0' } }),
  colleague('Thomas Weber', '1033', { state: 'away' }),
  { ...colleague('Team lead', '1900', { state: 'unknown' }), pickup: false },
];

const message = (id: number, more: Partial<MessageView>): MessageView => ({
  id, account: 2, direction: 'incoming', peer: { name: 'Karim Aziz', address: '1007' }, text: '', at_ms: NOW - (20 - id) * MINUTE,
  delivery: { state: 'received' }, ...more,
});

const messages: MessageView[] = [
  message(1, { text: 'Can you take the Ahmadi case?' }),
  message(2, { text: 'Yes, put her through.', direction: 'outgoing', delivery: { state: 'sent' } }),
  message(3, { text: 'العميلة على الخط الآن، رقم الطلب 4711' }),
  message(4, { text: '<b>bold</b> <img src=x onerror=alert(1)>', peer: { name: null, address: '1044' } }),
  message(5, { text: 'OK', direction: 'outgoing', delivery: { state: 'failed', reason: { code: 'call.unavailable', params: {} } } }),
];

export function deskScenarios({ home: plain, office, active, call, clear }: Kit): Record<string, Snapshot> {
  const desk: AccountView = {
    ...office,
    config: {
      ...office.config!,
      options: {
        mailbox: '*97', conference_room: '8000', help_to: '1900', country: '98', codes: { pickup: '*8{number}' },
        rewriting: [{ starts_with: '0', becomes: '+98', length: 11 }],
        blocked: ['00881'],
        speed_dials: [{ name: 'Warehouse', number: '1100' }, { name: 'النجدة التقنية', number: '1200' }],
        colleagues: colleagues.map(({ name, number }) => ({ name, number, lamp: 'dialog' as const })),
      },
    },
  };
  const home: Snapshot = { ...plain, accounts: [plain.accounts[0]!, desk], colleagues, messages };
  const having = (...calls: CallView[]): Snapshot => ({ ...home, calls });
  const karim = { direction: 'outgoing', peer: { name: 'Karim Aziz', address: '1007' } } as const;
  const omid = { direction: 'incoming', peer: { name: 'امید کریمی', address: '0912 000 4321' } } as const;
  const customer = call(1, active(94_000), { quality: clear, queue: 'Orders', customer: '4711', ivr: '2', dialled: '+98 21 8820 1000', verified: 'passed', security: 'encrypted' });
  return {
    desk: having(customer),
    'desk-idle': {
      ...home,
      agent: { ...home.agent, state: 'not_ready', reason: 'Lunch', do_not_disturb: true },
      mailboxes: [{ account: 2, waiting: true, new: 2, old: 5, callable: true }],
      forwarding: [{ account: 2, rule: { when: { when: 'no_answer', after_s: 20 }, to: '+98 912 000 4321' }, active: true }],
    },
    'consult-ringing': having(
      call(1, active(94_000, 'local'), { quality: clear }),
      call(2, { state: 'ringing', early_media: false }, { ...karim, consult_for: 1 }),
    ),
    consult: having(call(1, active(94_000, 'local'), { quality: clear }), call(2, active(12_000), { ...karim, consult_for: 1, quality: clear })),
    'transfer-ringing': having(call(1, active(94_000, 'local'), { transfer: { to: '1007', state: 'ringing', reason: null } })),
    'transfer-failed': having(
      call(1, active(94_000), { transfer: { to: '1007', state: 'failed', reason: { code: 'call.no_answer', params: {} } }, quality: clear }),
    ),
    conference: having(
      call(1, active(640_000), { conference: true, quality: clear }),
      call(2, active(31_000), { ...karim, conference: true, quality: clear }),
      call(3, active(15_000), { ...omid, conference: true, silenced: true, quality: clear }),
    ),
    'ask-transfer': having(
      call(1, active(94_000), { quality: clear, ask: { kind: 'transfer', targets: [{ name: 'Karim', address: '1007' }], until_ms: NOW + 25_000 } }),
    ),
    'ask-redirect': having(
      call(1, { state: 'dialing' }, {
        ...karim,
        ask: { kind: 'redirect', targets: [{ name: null, address: '+98 912 000 4321' }, { name: 'Voicemail', address: '*971007' }], until_ms: NOW + 25_000 },
      }),
    ),
    'call-details': having(
      call(1, active(94_000), {
        quality: clear, queue: 'الطلبات', ivr: '2', customer: '4711', dialled: '+98 21 8820 1000', verified: 'failed', digits: '4711#', emergency: false,
      }),
    ),
  };
}
