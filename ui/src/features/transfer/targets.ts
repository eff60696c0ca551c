// Whom a call can be handed to while a name or a number is typed: colleagues first, then people of the call log. Pure.
import type { ColleagueView, HistoryEntry } from '../../backend';
import { sameAddress } from '../../state/earlier';
import { foldPeer, holds, matches, query } from '../../state/search';

export interface Target {
  name: string | null;
  number: string;
  /** Of a colleague. */
  colleague?: ColleagueView;
}

/** `account`: the call's. Its own colleagues are those that its phone system can reach. */
export function targets(colleagues: readonly ColleagueView[], history: readonly HistoryEntry[], account: number, typed: string, atMost: number): Target[] {
  const asked = query(typed);
  const found: Target[] = colleagues
    .filter((c) => c.account === account && holds(foldPeer(c.name, c.number), asked))
    .map((colleague) => ({ name: colleague.name, number: colleague.number, colleague }));
  for (const entry of history) {
    const { peer } = entry;
    if (found.length >= atMost) break;
    if (peer.address === '' || peer.address.endsWith('@practice') || found.some((t) => sameAddress(t.number, peer.address))) continue;
    if (matches(entry, asked)) found.push({ name: peer.name, number: peer.address });
  }
  return found.slice(0, atMost);
}
