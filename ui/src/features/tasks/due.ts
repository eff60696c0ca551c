// When "tomorrow at nine" is. Pure: the clock is given; days and hours are those of the system's time zone, so that nine is
// nine on the day when the clocks change too.

export const SOON = ['hour', 'tomorrow', 'monday'] as const;
export type Soon = (typeof SOON)[number];

const HOUR_MS = 3_600_000;
const MORNING = 9;

/** Unix milliseconds. In an hour, to the whole minute; tomorrow, or next Monday, at nine. On a Monday it is the one after. */
export function due(soon: Soon, now: number): number {
  const date = new Date(now);
  const morning = (days: number) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days, MORNING).getTime();
  if (soon === 'hour') return Math.ceil((now + HOUR_MS) / 60_000) * 60_000;
  return morning(soon === 'tomorrow' ? 1 : (8 - date.getDay()) % 7 || 7);
}

/** For a field of date and time (`2026-11-22T09:00`), as the clock on the wall says. */
export function toField(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Nothing where it is no time. */
export function ofField(text: string): number | undefined {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}
