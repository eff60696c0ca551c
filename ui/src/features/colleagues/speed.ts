// Numbers that are called often, of the account that calls go out on.
import type { SpeedDial } from '../../backend';
import { phone } from '../../state/phone.svelte';
import { defaultAccount } from '../../state/place';

export function speedDials(): SpeedDial[] {
  const account = defaultAccount();
  return (account === null ? undefined : phone.account(account)?.config?.options?.speed_dials) ?? [];
}
