import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { due, ofField, toField } from './due';

// On 29 March 2026 the clocks go forward there at two in the morning.
const before = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin';
});
afterAll(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

const at = (text: string) => new Date(text).getTime();

describe('due', () => {
  it('is in an hour, to the minute', () => {
    expect(due('hour', at('2026-11-22T14:10:30Z'))).toBe(at('2026-11-22T15:11:00Z'));
  });

  it('is at nine tomorrow, on the day when the clocks change too', () => {
    expect(due('tomorrow', at('2026-03-28T20:00:00Z'))).toBe(at('2026-03-29T07:00:00Z'));
    expect(due('tomorrow', at('2026-03-27T20:00:00Z'))).toBe(at('2026-03-28T08:00:00Z'));
    expect(due('tomorrow', at('2026-12-31T12:00:00Z'))).toBe(at('2027-01-01T08:00:00Z'));
  });

  it('is the next Monday, from every day of the week', () => {
    for (let day = 23; day < 30; day++) expect(new Date(due('monday', at(`2026-11-${day}T10:00:00Z`))).toISOString()).toBe('2026-11-30T08:00:00.000Z');
    expect(new Date(due('monday', at('2026-11-30T10:00:00Z'))).toISOString()).toBe('2026-12-07T08:00:00.000Z');
  });

  it('goes into a field and out of it', () => {
    expect(ofField(toField(at('2026-03-29T07:05:00Z')))).toBe(at('2026-03-29T07:05:00Z'));
    expect(ofField('')).toBeUndefined();
  });
});
