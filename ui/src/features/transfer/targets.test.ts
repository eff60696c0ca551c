import { expect, it } from 'vitest';
import type { ColleagueView, HistoryEntry } from '../../backend';
import { targets } from './targets';

const colleague = (name: string, number: string, account = 2): ColleagueView => ({ account, name, number, lamp: { state: 'free' }, pickup: true });
const called = (name: string | null, address: string) => ({ peer: { name, address } }) as HistoryEntry;

const colleagues = [colleague('نورة السالم', '1012'), colleague('أحمد علي', '1013'), colleague('Elsewhere', '1014', 3)];
const history = [called('كريمي', '+98 21 8820 1140'), called('Nora again', '1012'), called('Echo', 'echo@practice'), called(null, '+49 30 1234567')];
const names = (typed: string) => targets(colleagues, history, 2, typed, 9).map((t) => t.name ?? t.number);

it.each([
  ['نوره', ['نورة السالم']],
  ['احمد', ['أحمد علي']],
  ['کریمی', ['كريمي']],
  ['۱۰۱۳', ['أحمد علي']],
  ['030 123', ['+49 30 1234567']],
  ['elsewhere', []],
  ['', ['نورة السالم', 'أحمد علي', 'كريمي', '+49 30 1234567']],
])('whom %s may mean', (typed, found) => expect(names(typed)).toEqual(found));
