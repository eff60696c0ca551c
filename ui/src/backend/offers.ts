// What the core would offer for each call of the fake backend: the rules of `crates/core/src/phone/actions.rs`, told
// again in short, so that the screens see the same actions here.
import type { Action, CallView } from './bindings';

const lives = (c: CallView) => c.state.state !== 'ended' && c.state.state !== 'ending';
export const active = (c: CallView) => c.state.state === 'active';
export const heldHere = (c: CallView) => c.state.state === 'active' && (c.state.hold === 'local' || c.state.hold === 'both');
const transferring = (c: CallView) => c.transfer !== null && ['asked', 'accepted', 'ringing'].includes(c.transfer.state);

/** The customer and the consultation about it, whichever of the two is given. */
export function pairOf(call: CallView, calls: readonly CallView[]): [CallView, CallView] | undefined {
  const customer = call.consult_for === null ? call : calls.find((c) => c.id === call.consult_for);
  const consult = call.consult_for === null ? calls.find((c) => c.consult_for === call.id && lives(c)) : call;
  return customer && consult && lives(customer) && lives(consult) ? [customer, consult] : undefined;
}

export function swapPartner(call: CallView, calls: readonly CallView[]): CallView | undefined {
  if (!active(call) || call.conference) return undefined;
  const others = calls.filter((c) => c.id !== call.id && active(c) && !c.conference);
  const paired = pairOf(call, calls)?.find((c) => c.id !== call.id);
  const other = others.find((c) => c.id === paired?.id) ?? (others.length === 1 ? others[0] : undefined);
  return other && heldHere(other) !== heldHere(call) ? other : undefined;
}

/** `helped`: the account names a team lead. `room`: it names a conference room. `mobile`: it names the agent's mobile. */
export function offers(call: CallView, calls: readonly CallView[], { helped, room, mobile }: { helped: boolean; room: boolean; mobile: boolean }): Action[] {
  const { state } = call;
  const list: [Action, boolean][] = [];
  const pair = pairOf(call, calls);
  if (state.state === 'incoming') list.push(['answer', true], ['reject', true], ['redirect', true]);
  if (['dialing', 'ringing', 'answering'].includes(state.state)) list.push(['hang_up', true]);
  if (state.state === 'active') {
    const free = !transferring(call) && !call.conference;
    const parties = calls.filter((c) => c.conference && lives(c));
    list.push(
      ['hang_up', true],
      [state.muted ? 'unmute' : 'mute', true],
      [heldHere(call) ? 'resume' : 'hold', true],
      ['dtmf', !heldHere(call)],
      ['transfer', free && !pair],
      ['consult', free && !pair],
      ['swap', swapPartner(call, calls) !== undefined],
      ['join', free && calls.some((c) => c.id !== call.id && active(c) && !transferring(c))],
      ['split', call.conference],
      [call.silenced ? 'unsilence' : 'silence', call.conference],
      ['leave_conference', call.conference && (parties.length === 2 || room) && parties.every((c) => active(c) && !transferring(c))],
      ['help', helped],
      ['move_to_mobile', mobile && free && !pair],
    );
  }
  if (pair) {
    const [customer, consult] = pair;
    const reached = ['active', 'ringing'].includes(consult.state.state) && !transferring(consult);
    list.push(['complete_transfer', active(customer) && !transferring(customer) && reached], ['abandon_consult', true]);
  }
  if (call.ask) list.push(['grant', true], ['refuse', true]);
  return list.filter(([, offered]) => offered).map(([action]) => action);
}
