// Whom a call can be handed to while a name or a number is typed: colleagues first, then people of the call log. Pure.
import type { ColleagueView, HistoryEntry } from '../../backend';
import { sameAddress } from '../../state/earlier';
import { dialled, latinDigits } from '../../state/number';

export interface Target {
  name: string | null;
  number: string;
  /** Of a colleague. */
  colleague?: ColleagueView;
}

const plain = (text: string) => latinDigits(text).normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** `account`: the call's. Its own colleagues are those that its phone system can reach. */
export function targets(colleagues: readonly ColleagueView[], history: readonly HistoryEntry[], account: number, typed: string, atMost: number): Target[] {
  const words = plain(typed).trim().split(/\s+/);
  const number = dialled(typed);
  const fits = (name: string | null, address: string) =>
    words.every((word) => plain(`${name ?? ''} ${address}`).includes(word)) || (number !== '' && dialled(address).includes(number));
  const found: Target[] = colleagues
    .filter((c) => c.account === account && fits(c.name, c.number))
    .map((colleague) => ({ name: colleague.name, number: colleague.number, colleague }));
  for (const { peer } of history) {
    if (found.length >= atMost) break;
    if (peer.address === '' || peer.address.endsWith('@practice') || found.some((t) => sameAddress(t.number, peer.address))) continue;
    if (fits(peer.name, peer.address)) found.push({ name: peer.name, number: peer.address });
  }
  return found.slice(0, atMost);
}
