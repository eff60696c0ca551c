// The fake backend's call control: transfer, consultation, conference, asks, colleagues, messages. Targets end the way
// they are called: `busy`, `nobody` and `wrong` fail, a number that begins with `0900` is a costly one.
import { active, heldHere, pairOf, swapPartner } from './offers';
import type { AgentView, CallView, Command, Event, MessageView, Outcome, Snapshot, Text } from './bindings';

/** What the scripts need of the fake phone. */
export interface Desk {
  readonly snapshot: Snapshot;
  emit(event: Event): void;
  later(ms: number, then: () => void): void;
  patch(id: number, change: Partial<CallView>): void;
  hold(id: number, on: boolean): void;
  /** Dials and gives the new call's id; nothing when it was refused. */
  dial(to: string, account: number | null, more?: Partial<CallView>): number | undefined;
  end(id: number, outcome: Outcome, code: string): void;
}

const text = (code: string): Text => ({ code, params: {} });
const userOf = (to: string) => to.split('@')[0] ?? '';

/** How a call to such a number goes, if it does not go well. */
export function fate(to: string): [Outcome, string] | undefined {
  const fates: Record<string, [Outcome, string]> = {
    busy: ['busy', 'call.busy'], nobody: ['no_answer', 'call.no_answer'], wrong: ['failed', 'call.not_found'],
  };
  return fates[userOf(to)];
}

export const premium = (to: string) => /^0900/.test(to);

/** Obeys a command of call control; false for any other. */
export function obeyDesk(desk: Desk, command: Command): boolean {
  const call = 'call' in command ? desk.snapshot.calls.find((c) => c.id === command.call) : undefined;
  const agent = (change: Partial<AgentView>) => desk.emit({ event: 'agent_changed', agent: { ...desk.snapshot.agent, ...change } });
  switch (command.command) {
    case 'transfer':
      if (call && permitted(desk, command, command.to)) transfer(desk, call, command.to);
      break;
    case 'consult': {
      if (!call || !permitted(desk, command, command.to)) break;
      desk.hold(call.id, true);
      const consult = desk.dial(command.to, call.account, { consult_for: call.id });
      if (consult === undefined) desk.hold(call.id, false);
      break;
    }
    case 'complete_transfer': {
      const pair = call && pairOf(call, desk.snapshot.calls);
      if (pair) transfer(desk, pair[0], pair[1].peer.address, pair[1].id);
      break;
    }
    case 'abandon_consult': {
      const pair = call && pairOf(call, desk.snapshot.calls);
      if (pair) desk.end(pair[1].id, active(pair[1]) ? 'answered' : 'cancelled', active(pair[1]) ? 'call.local_hang_up' : 'call.cancelled');
      break;
    }
    case 'swap': {
      const other = call && swapPartner(call, desk.snapshot.calls);
      if (call && other) {
        const [resumed, held] = heldHere(call) ? [call, other] : [other, call];
        desk.hold(held.id, true);
        desk.hold(resumed.id, false);
      }
      break;
    }
    case 'join': {
      const all = desk.snapshot.calls.filter((c) => active(c) && (command.calls.length === 0 || command.calls.includes(c.id) || c.conference));
      for (const c of all) desk.patch(c.id, { conference: true, consult_for: null });
      for (const c of all) desk.hold(c.id, false);
      break;
    }
    case 'split':
      desk.patch(command.call, { conference: false, silenced: false });
      desk.hold(command.call, true);
      break;
    case 'silence':
      desk.patch(command.call, { silenced: command.on });
      break;
    case 'leave_conference': {
      const parties = desk.snapshot.calls.filter((c) => c.conference && active(c));
      const [first, second] = parties;
      if (first && second && parties.length === 2) transfer(desk, first, second.peer.address, second.id);
      else for (const c of parties) transfer(desk, c, '8000');
      break;
    }
    case 'grant': {
      const target = call?.ask?.targets[command.choice ?? 0];
      if (!call || !target) break;
      desk.patch(call.id, { ask: null });
      if (call.state.state === 'active') desk.end(call.id, 'transferred', 'call.transferred');
      desk.dial(target.address, call.account, { peer: target });
      break;
    }
    case 'refuse':
      if (call) desk.patch(call.id, { ask: null });
      if (call && call.state.state !== 'active') desk.end(call.id, 'cancelled', 'call.cancelled');
      break;
    case 'redirect':
      if (permitted(desk, command, command.to)) desk.end(command.call, 'forwarded', 'call.forwarded');
      break;
    case 'help':
      if (call) say(desk, call.account, '1900', command.text);
      break;
    case 'message':
      say(desk, command.account, command.to, command.text);
      break;
    case 'set_agent_state':
      agent({ state: command.state, reason: command.reason ?? null, since_ms: Date.now() });
      break;
    case 'set_do_not_disturb':
      agent({ do_not_disturb: command.on });
      break;
    case 'set_call_waiting':
      agent({ call_waiting: command.on });
      break;
    case 'call_mailbox':
      desk.dial('*97', command.account);
      break;
    case 'pickup':
      desk.dial(`*8${command.number}`, command.account);
      break;
    case 'redial': {
      const last = desk.snapshot.history.find((h) => h.direction === 'outgoing');
      if (last) desk.dial(last.peer.address, last.account);
      else desk.emit({ event: 'command_failed', command: 'redial', call: null, account: null, text: text('command.nothing_to_redial') });
      break;
    }
    case 'preview_number':
      preview(desk, command.to, command.account ?? null);
      break;
    case 'set_account_options':
    case 'set_forwarding':
      setOptions(desk, command);
      break;
    default:
      return false;
  }
  return true;
}

function permitted(desk: Desk, command: Extract<Command, { confirmed?: boolean }>, to: string): boolean {
  if (!premium(to) || command.confirmed) return true;
  const call = 'call' in command ? command.call : null;
  desk.emit({ event: 'command_failed', command: command.command, call, account: null, text: text('dial.premium') });
  return false;
}

function transfer(desk: Desk, customer: CallView, to: string, consult?: number): void {
  const state = (state: 'asked' | 'accepted' | 'ringing' | 'done') => desk.patch(customer.id, { transfer: { to, state, reason: null } });
  desk.hold(customer.id, true);
  state('asked');
  desk.later(300, () => state('accepted'));
  desk.later(700, () => state('ringing'));
  desk.later(1500, () => {
    const failed = fate(to);
    if (failed) {
      desk.patch(customer.id, { transfer: { to, state: 'failed', reason: text(failed[1]) } });
      return desk.hold(customer.id, false);
    }
    state('done');
    for (const id of [customer.id, consult]) if (id !== undefined) desk.end(id, 'transferred', 'call.transferred');
  });
}

/** After a consultation that came to nothing the customer is back. */
export function giveBack(desk: Desk, ended: CallView): void {
  const customer = desk.snapshot.calls.find((c) => c.id === ended.consult_for);
  if (customer && active(customer) && heldHere(customer) && customer.transfer === null) desk.hold(customer.id, false);
}

function say(desk: Desk, account: number, to: string, words: string): void {
  const name = desk.snapshot.colleagues.find((c) => c.number === to)?.name ?? null;
  const id = Math.max(0, ...desk.snapshot.messages.map((m) => m.id)) + 1;
  const told = (delivery: MessageView['delivery']) => {
    const message: MessageView = { id, account, direction: 'outgoing', peer: { name, address: to }, text: words, at_ms: Date.now(), delivery };
    desk.emit({ event: 'messages_changed', messages: [...desk.snapshot.messages.filter((m) => m.id !== id), message] });
  };
  told({ state: 'sending' });
  desk.later(500, () => told(fate(to) ? { state: 'failed', reason: text('call.unavailable') } : { state: 'sent' }));
}

function preview(desk: Desk, to: string, account: number | null): void {
  const options = desk.snapshot.accounts.find((a) => a.id === (account ?? 2))?.config?.options;
  const rule = options?.rewriting?.find((r) => to.startsWith(r.starts_with) && (r.length == null || r.length === to.length));
  const blocked = options?.blocked?.some((b) => to.startsWith(b)) ?? false;
  const emergency = (options?.emergency ?? ['112', '911']).includes(to);
  const dialled = emergency || !rule ? to : rule.becomes + to.slice(rule.starts_with.length);
  desk.emit({
    event: 'number_preview',
    preview: { to, account, dialled: blocked ? null : dialled, emergency, premium: premium(to), problem: blocked ? text('dial.blocked') : null },
  });
}

function setOptions(desk: Desk, command: Extract<Command, { command: 'set_account_options' | 'set_forwarding' }>): void {
  const account = desk.snapshot.accounts.find((a) => a.id === command.account);
  if (!account?.config) return;
  const options = command.command === 'set_forwarding' ? { ...account.config.options, forwarding: command.rules } : command.options;
  const refusal = options.name_pattern?.endsWith('(') ? { code: 'command.bad_account', params: { field: 'name_pattern' } } : undefined;
  if (refusal) return desk.emit({ event: 'command_failed', command: command.command, call: null, account: account.id, text: refusal });
  desk.emit({ event: 'account_changed', account: { ...account, config: { ...account.config, options } } });
  const forwarding = (options.forwarding ?? []).filter((rule) => rule.on !== false).map((rule) => ({ account: account.id, rule, active: true }));
  desk.emit({ event: 'forwarding_changed', forwarding });
  const colleagues = (options.colleagues ?? []).map(({ name, number }) => ({ account: account.id, name, number, lamp: { state: 'unknown' } as const, pickup: false }));
  desk.emit({ event: 'colleagues_changed', colleagues });
}
