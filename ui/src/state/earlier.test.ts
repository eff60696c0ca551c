import { describe, expect, it } from 'vitest';
import { scenarios } from '../backend/scenarios';
import { earlier, sameAddress, toCallBack } from './earlier';

const history = scenarios['home']!.history;

describe('sameAddress', () => {
  it.each([
    ['+98 21 8820 1140', '021 8820 1140'],
    ['+49 30 1234567', '0049301234567'],
    ['۰۹۱۲ ۰۰۰ ۴۳۲۱', '+98 912 000 4321'],
    ['Info@Partner.example', 'info@partner.example'],
    ['1007', '1007'],
  ])('%s is %s', (a, b) => expect(sameAddress(a, b)).toBe(true));

  it.each([
    ['1007', '2007'],
    ['007', '1007'],
    ['+49 30 1234567', '+49 30 1234568'],
    ['info@partner.example', 'info@other.example'],
    ['', ''],
  ])('%s is not %s', (a, b) => expect(sameAddress(a, b)).toBe(false));
});

it('finds the calls before with the same person, and no other', () => {
  const [first] = history;
  expect(earlier(history, { name: null, address: '00982188201140' }, Date.now(), 5)).toEqual([first]);
  expect(earlier(history, first!.peer, first!.started_ms!, 5)).toEqual([]);
  expect(earlier(history, { name: 'anonymous', address: '' }, Date.now(), 5)).toEqual([]);
});

it('tells who is to be called back: missed, and not spoken with since', () => {
  const missed = history.find((entry) => entry.outcome === 'missed')!;
  expect(toCallBack(history, 5)).toEqual([missed]);
  const called = { ...missed, id: 'later', outcome: 'answered' as const, direction: 'outgoing' as const };
  expect(toCallBack([called, ...history], 5)).toEqual([]);
  expect(toCallBack([missed, { ...missed, id: 'before' }], 5)).toEqual([missed]);
});
