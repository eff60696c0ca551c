// The connection of all accounts, summed up. Pure.
import type { AccountView } from '../../backend';

export interface Overall {
  kind: 'none' | 'up' | 'trying' | 'down' | 'off';
  /** How many accounts are connected. */
  up: number;
}

export function overall(accounts: AccountView[]): Overall {
  const states = accounts.map((a) => a.registration.state);
  const up = states.filter((s) => s === 'up').length;
  // What needs attention comes first.
  const kind = (['down', 'trying', 'up', 'off'] as const).find((s) => states.includes(s)) ?? 'none';
  return { kind, up };
}
