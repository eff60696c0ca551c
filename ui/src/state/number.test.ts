import { describe, expect, it } from 'vitest';
import { canDial, dialled, latinDigits, telephoneKey, shown } from './number';

describe('dialled', () => {
  it.each([
    ['+49 (30) 123-45', '+493012345'],
    ['+49 (0)30 12345', '+493012345'],
    ['(030) 123/45', '03012345'],
    ['٠٢١ ١٢٣ ٤٥٦', '021123456'],
    ['۰۲۱-۱۲۳۴', '0211234'],
    ['\u202a+98 21 1234\u202c', '+98211234'],
    ['tel:+1-202-555-0100', '+12025550100'],
    ['callto://0301234', '0301234'],
    ['sip:sara@pbx.example', 'sara@pbx.example'],
    [' sara@pbx.example:5070 ', 'sara@pbx.example:5070'],
    ['echo@practice', 'echo@practice'],
    ['*21*300#', '*21*300#'],
    ['030+123', '030123'],
    ['１２３', '123'],
    ['', ''],
    ['سارة@pbx', 'سارة@pbx'],
  ])('%j becomes %j', (typed, number) => expect(dialled(typed)).toBe(number));

  it('is the same when applied twice', () => {
    for (const text of ['+49 (0)30 1', 'tel:123', '۱۲۳', 'a b@c', '++1', '(0)+1'])
      expect(dialled(dialled(text))).toBe(dialled(text));
  });
});

it('knows when there is nothing to dial', () => {
  for (const text of ['', '   ', '()', '+', '@host', 'user@', '\u200f']) expect(canDial(text), text).toBe(false);
  for (const text of ['1', '*', '٣', 'sara', 'a@b']) expect(canDial(text), text).toBe(true);
});

it('changes digits in place, so that the caret stays where it was', () => {
  expect(latinDigits('٠٩ x ۰۹')).toBe('09 x 09');
  expect(latinDigits('٠٩ x ۰۹')).toHaveLength(7);
});

it('reads a key of the telephone from any keyboard', () => {
  expect(['5', '٥', '۵', '*', '#', 'a', '+', 'Enter'].map(telephoneKey)).toEqual([
    '5', '5', '5', '*', '#', undefined, undefined, undefined,
  ]);
});

it('cuts what nobody could read, and no character in two', () => {
  expect(shown('a'.repeat(200))).toHaveLength(200);
  expect(shown('a'.repeat(10_240))).toBe('a'.repeat(200) + '…');
  expect(shown('a'.repeat(199) + '👨')).toBe('a'.repeat(199) + '…');
});
