// How a person, a call and its state are named in words.
import type { CallView, PeerView } from '../../backend';
import { clock, message, t, type Key } from '../../i18n/i18n.svelte';
import { shown } from '../../state/number';
import { customers } from '../../state/customers.svelte';
import { phone } from '../../state/phone.svelte';

const PRACTICE_NAMES: Record<string, Key> = {
  'echo@practice': 'practice.name.echo',
  'sara@practice': 'practice.name.sara',
  'omid@practice': 'practice.name.omid',
};

/** The name: in the user's language where it is one of the practice line's people, the customer's where it is known who has
 * the number, else what the far side calls itself. */
export function nameOf(peer: PeerView): string | null {
  const known = PRACTICE_NAMES[peer.address];
  return known ? t(known) : shown(customers.nameOf(peer.address) ?? peer.name?.trim() ?? '') || null;
}

/** Who it is, in one word: the name, else the number. */
export function who(peer: PeerView): string {
  return nameOf(peer) ?? (shown(peer.address) || t('call.anonymous'));
}

export function accountLabel(call: CallView): string {
  return phone.account(call.account)?.kind === 'practice' ? t('practice.title') : call.account_label;
}

/** Whether the two hear each other now. */
export function isHeard(call: CallView): boolean {
  return call.state.state === 'active' && call.state.hold === 'none' && !call.silenced;
}

/** Who hears whom, where there are several calls. */
export function hearing(call: CallView): string {
  if (call.state.state !== 'active') return stateOf(call);
  if (call.conference) return t(call.silenced ? 'hearing.silenced' : 'hearing.conference');
  return t(`hearing.${call.state.hold}`);
}

/** What the other side asks of us. */
export function askWords(call: CallView): string | undefined {
  const target = call.ask?.targets[0];
  return call.ask ? t(`ask.${call.ask.kind}`, { who: who(call.peer), target: target ? who(target) : '' }) : undefined;
}

/** The state of a call in words, without the timer. */
export function stateOf(call: CallView): string {
  const { state } = call;
  switch (state.state) {
    case 'dialing':
      return t('call.dialing');
    case 'ringing':
      return t('call.ringing');
    case 'incoming':
      return t('call.incoming');
    case 'answering':
      return t('call.answering');
    case 'active':
      return t(state.hold === 'none' ? 'call.active' : 'call.held');
    case 'ending':
      return t('call.ending');
    case 'ended':
      return state.outcome === 'answered' ? t('call.ended') : message(state.reason);
  }
}

/** How long the call has been going on, as a clock; nothing before it was answered. */
export function timeIn(call: CallView, now: number): string | undefined {
  if (call.state.state === 'active') return clock((now - (call.state.since_ms ?? now)) / 1000);
  if (call.state.state === 'ended' && call.state.talked_s > 0) return clock(call.state.talked_s);
  return undefined;
}
