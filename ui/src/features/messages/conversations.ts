// Messages put together by whom they are with. Pure.
import type { ColleagueView, MessageView } from '../../backend';
import { sameAddress } from '../../state/earlier';

export interface Stranger {
  account: number;
  name: string | null;
  number: string;
  last: MessageView;
}

/** Whom messages came from or went to who is no colleague, the latest first. */
export function strangers(messages: readonly MessageView[], colleagues: readonly ColleagueView[]): Stranger[] {
  const found: Stranger[] = [];
  for (const last of messages.toReversed()) {
    const { account, peer } = last;
    const known = [...colleagues, ...found].some((c) => c.account === account && sameAddress(c.number, peer.address));
    if (!known) found.push({ account, name: peer.name, number: peer.address, last });
  }
  return found;
}

export function conversation(messages: readonly MessageView[], account: number, number: string): MessageView[] {
  return messages.filter((m) => m.account === account && sameAddress(m.peer.address, number));
}
