// Placing calls: which account a number is called from, and where the focus goes.
import { dialled } from './number';
import { phone } from './phone.svelte';
import { screen } from './screen.svelte';

/** The account that calls are made from unless another is chosen. */
export function defaultAccount(): number | null {
  const chosen = screen.callFrom ?? phone.settings.default_account;
  if (chosen != null && phone.userAccounts.some((a) => a.id === chosen)) return chosen;
  return phone.userAccounts[0]?.id ?? null;
}

/** Calls what was typed; a costly number only when it is `confirmed`. Practice addresses go by the practice line whatever account is chosen. */
export function place(typed: string, confirmed = false): void {
  const to = dialled(typed);
  const account = to.endsWith('@practice') ? (phone.practice?.id ?? null) : defaultAccount();
  phone.send(confirmed ? { command: 'call', to, account, confirmed } : { command: 'call', to, account });
}
