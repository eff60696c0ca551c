// The calls that there were with somebody before. Pure.
import type { HistoryEntry, PeerView } from '../backend';
import { dialled, isAddress } from './number';

/** So many digits at the end tell one number from another: country codes and trunk zeros stand before them. */
const SIGNIFICANT = 9;
const SHORTEST = 7;

/** Whether two numbers or addresses reach the same person. Short ones (extensions) must be equal. */
export function sameAddress(a: string, b: string): boolean {
  const [one, other] = [dialled(a), dialled(b)];
  if (one === '' || other === '') return false;
  if (isAddress(one) || isAddress(other)) return one.toLowerCase() === other.toLowerCase();
  if (one.length < SHORTEST || other.length < SHORTEST) return one === other;
  const end = (number: string) => number.slice(-SIGNIFICANT);
  return end(one) === end(other) || one.endsWith(other.replace(/^0+/, '')) || other.endsWith(one.replace(/^0+/, ''));
}

/** Calls with a person that began before a moment, newest first, at most so many. */
export function earlier(history: readonly HistoryEntry[], peer: PeerView, before_ms: number, atMost: number): HistoryEntry[] {
  const found: HistoryEntry[] = [];
  if (peer.address === '') return found;
  for (const entry of history) {
    if (found.length === atMost) break;
    if ((entry.started_ms ?? 0) < before_ms && entry.outcome !== 'running' && sameAddress(entry.peer.address, peer.address)) found.push(entry);
  }
  return found;
}

/** Missed calls that nobody has called back, and who has not reached us since: newest first, one a person. */
export function toCallBack(history: readonly HistoryEntry[], atMost: number): HistoryEntry[] {
  const found: HistoryEntry[] = [];
  const settled: string[] = [];
  for (const entry of history) {
    if (found.length === atMost) break;
    const { address } = entry.peer;
    if (address === '' || settled.some((other) => sameAddress(other, address))) continue;
    settled.push(address);
    if (entry.outcome === 'missed') found.push(entry);
  }
  return found;
}
