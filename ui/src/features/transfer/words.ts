// A transfer or a consultation in words.
import type { CallView } from '../../backend';
import { message, t } from '../../i18n/i18n.svelte';
import { phone } from '../../state/phone.svelte';
import { who } from '../call/words';

/** A colleague's name, else the number. */
function named(address: string): string {
  return phone.colleagues.find((c) => c.number === address)?.name ?? address;
}

export function transferWords({ transfer }: CallView): string | undefined {
  if (transfer === null) return undefined;
  const to = named(transfer.to);
  if (transfer.state !== 'failed') return t(`transfer.${transfer.state}`, { to });
  return [transfer.reason && message(transfer.reason), t('transfer.failed')].filter(Boolean).join(' ');
}

/** The customer and the consultation about them, whichever of the two is given. */
export function pairOf(call: CallView, calls: readonly CallView[]): { customer: CallView; consult: CallView } | undefined {
  const lives = (c: CallView) => c.state.state !== 'ended' && c.state.state !== 'ending';
  const customer = call.consult_for === null ? call : calls.find((c) => c.id === call.consult_for);
  const consult = call.consult_for === null ? calls.find((c) => c.consult_for === call.id && lives(c)) : call;
  return customer && consult && lives(customer) && lives(consult) ? { customer, consult } : undefined;
}

/** Why a consultation about this customer came to nothing, while it is still on the screen. */
export function failedConsult(call: CallView, calls: readonly CallView[]): string | undefined {
  if (call.state.state !== 'active' || pairOf(call, calls) !== undefined) return undefined;
  const consult = calls.findLast((c) => c.consult_for === call.id && c.state.state === 'ended');
  if (consult?.state.state !== 'ended' || ['answered', 'transferred', 'cancelled'].includes(consult.state.outcome)) return undefined;
  return `${who(consult.peer)}: ${message(consult.state.reason)} ${t('transfer.failed')}`;
}
