import { describe, expect, it } from 'vitest';
import { colleagues, colleaguesText, headers, headersText, numbers, rewriting, rewritingText, speedDials, speedDialsText } from './lines';

describe('lists as text', () => {
  it('colleagues as CSV: commas, semicolons, tabs, quotes, a heading, a byte order mark', () => {
    expect(colleagues('\ufeffName;Number\r\n"Haddad, Layla";1001;presence;intercom\r\nنورة السالم\t1012\n')).toEqual({
      value: [
        { name: 'Haddad, Layla', number: '1001', lamp: 'presence', intercom: true },
        { name: 'نورة السالم', number: '1012', lamp: 'dialog', intercom: false },
      ],
    });
  });

  it.each([
    ['Karim', 1],
    ['Karim, 1007\n, 1008', 2],
    ['Karim, 1007, sometimes', 1],
    ['Karim, call me', 1],
  ])('%j has a fault in line %i', (text, fault) => expect(colleagues(text).fault).toBe(fault));

  it('what is written is read again as it was', () => {
    const list = [{ name: 'a "b", c', number: '+98 21', lamp: 'none' as const, intercom: true }];
    expect(colleagues(colleaguesText(list))).toEqual({ value: list });
    const dials = [{ name: 'x;y', number: '1' }];
    expect(speedDials(speedDialsText(dials))).toEqual({ value: dials });
    const rules = [{ starts_with: '0', becomes: '+98', length: 11 }, { starts_with: '00', becomes: '+', length: null }];
    expect(rewriting(rewritingText(rules))).toEqual({ value: rules });
    const map = [{ header: 'X-Queue-Name', field: 'queue' as const }];
    expect(headers(headersText(map))).toEqual({ value: map });
  });

  it('rules, headers and numbers that make no sense are named by their line', () => {
    expect([rewriting('a, b').fault, rewriting('0, +98, 0').fault, rewriting(',').fault]).toEqual([1, 1, 1]);
    expect([headers('X Queue: queue').fault, headers('X-Queue: colour').fault]).toEqual([1, 1]);
    expect(numbers('112\n\nfire').fault).toBe(3);
  });
});
