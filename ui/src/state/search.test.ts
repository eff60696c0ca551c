import { describe, expect, it } from 'vitest';
import type { HistoryEntry, HistoryFilter } from '../backend';
import { scenarios } from '../backend/scenarios';
import { fold, matches, passes, query, suggestions } from './search';

const history = scenarios['home']!.history;
const entry = (name: string | null, address: string): HistoryEntry => ({ ...history[0]!, peer: { name, address } });

describe('fold', () => {
  it.each([
    ['كريمي', 'کریمی'],
    ['أحمد', 'احمد'],
    ['سارة', 'ساره'],
    ['مُحَمَّد', 'محمد'],
    ['نیم‌فاصله', 'نیمفاصله'],
    ['هـــاتف', 'هاتف'],
    ['آرش', 'ارش'],
    ['KÖHLER', 'kohler'],
    ['  a   b ', 'a b'],
    ['۰۹۱۲', '0912'],
    ['٠٩١٢', '0912'],
  ])('%s is %s', (text, same) => expect(fold(text)).toBe(fold(same)));

  it('keeps what is different apart', () => expect(fold('سلام')).not.toBe(fold('سلم')));
  it('is at peace with a pile of marks', () => expect(fold('a' + '\u0301'.repeat(10_000))).toBe('a'));
});

describe('matches', () => {
  it.each([
    ['کریمی', entry('امید كريمي', '1')],
    ['کریمی امید', entry('امید كريمي', '1')],
    ['۸۸۲۰', entry(null, '+98 21 8820 1140')],
    ['021 8820', entry(null, '+98 21 8820 1140')],
    ['8820-1140', entry(null, '+98 21 8820 1140')],
    ['partner', entry(null, 'info@partner.example')],
    ['', entry(null, '1')],
  ])('%s is found', (typed, found) => expect(matches(found, query(typed))).toBe(true));

  it.each([
    ['کریمی', entry('Sara', '1')],
    ['8821', entry(null, '+98 21 8820 1140')],
    ['sara omid', entry('Sara', '1')],
  ])('%s is not found', (typed, other) => expect(matches(other, query(typed))).toBe(false));
});

it('suggests each person once, never the practice line, and the numbers dialled last where nothing is typed', () => {
  const twice = [...history, ...history];
  expect(suggestions(twice, 'sara', 5)).toHaveLength(1);
  expect(suggestions(twice, 'echo', 5)).toEqual([]);
  expect(suggestions(history, '', 2).map((e) => e.direction)).toEqual(['outgoing', 'outgoing']);
});

describe('passes', () => {
  const kept = (filter: HistoryFilter) => history.filter((e) => passes(e, filter)).length;

  it('keeps everything, the missed, one direction, one account, one time', () => {
    expect(kept({})).toBe(history.length);
    expect(kept({ missed: true })).toBe(1);
    expect(kept({ direction: 'incoming' }) + kept({ direction: 'outgoing' })).toBe(history.length);
    expect([kept({ account: 2 }), kept({ account: 3 })]).toEqual([history.length, 0]);
    const middle = history[4]!.started_ms!;
    expect(kept({ from_ms: middle }) + kept({ until_ms: middle })).toBe(history.length);
  });
});
