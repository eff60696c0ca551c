// Lists as text, one entry a line: colleagues and speed dials as CSV, rules, numbers. What is typed is read as it is typed,
// and the first line that makes no sense is named. Pure.
import type { Colleague, Field, HeaderRule, LampKind, NumberRule, SpeedDial } from '../../backend';

export interface Read<T> {
  value: T[];
  /** The first line that makes no sense, from 1. */
  fault?: number;
}

/** A CSV line's fields: by commas, semicolons or tabs, in quotes where they hold one. */
export function fields(line: string): string[] {
  const found: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i += 1) {
    const c = line.charAt(i);
    if (c === '"' && quoted && line.charAt(i + 1) === '"') {
      field += '"';
      i += 1;
    } else if (c === '"') quoted = !quoted;
    else if (!quoted && /[,;\t،؛]/.test(c)) {
      found.push(field.trim());
      field = '';
    } else field += c;
  }
  return [...found, field.trim()];
}

const quote = (text: string) => (/[",;\t،؛]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function read<T>(text: string, entry: (line: string) => T | undefined): Read<T> {
  const value: T[] = [];
  let fault: number | undefined;
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.replace(/^\ufeff/, '').trim() === '') return;
    const found = entry(line.replace(/^\ufeff/, '').trim());
    if (found === undefined) fault ??= i + 1;
    else value.push(found);
  });
  return fault === undefined ? { value } : { value, fault };
}

const NUMBER = /^[+*#0-9][0-9*#\s().-]*$|^[^\s@]+@[^\s@]+$/;
const isNumber = (text: string | undefined): text is string => text !== undefined && NUMBER.test(text);
const LAMPS: readonly LampKind[] = ['none', 'dialog', 'presence'];

/** `name, number, lamp, intercom`; the last two may be absent. The first line may be a heading. */
export function colleagues(text: string): Read<Colleague> {
  const found = read(text.replace(/^\ufeff?\s*name\s*[,;\t].*\r?\n/i, ''), (line): Colleague | undefined => {
    const [name = '', number, lamp = 'dialog', intercom = ''] = fields(line);
    const kind = LAMPS.find((k) => k === lamp.toLowerCase());
    if (name === '' || !isNumber(number) || kind === undefined || !/^(intercom)?$/i.test(intercom)) return undefined;
    return { name, number, lamp: kind, intercom: intercom !== '' };
  });
  return found;
}

export const colleaguesText = (list: Colleague[]) =>
  list.map((c) => [quote(c.name), c.number, c.lamp ?? 'none', ...(c.intercom ? ['intercom'] : [])].join(', ')).join('\n');

export function speedDials(text: string): Read<SpeedDial> {
  return read(text, (line) => {
    const [name = '', number, more] = fields(line);
    return name !== '' && isNumber(number) && more === undefined ? { name, number } : undefined;
  });
}

export const speedDialsText = (list: SpeedDial[]) => list.map((d) => `${quote(d.name)}, ${d.number}`).join('\n');

const FIELDS: readonly Field[] = ['queue', 'ivr', 'customer', 'name'];

/** `X-Queue-Name: queue` */
export function headers(text: string): Read<HeaderRule> {
  return read(text, (line) => {
    const [, header, meaning] = /^([A-Za-z0-9!%'*+.^_`|~-]+)\s*:\s*(\w+)$/.exec(line) ?? [];
    const field = FIELDS.find((f) => f === meaning?.toLowerCase());
    return header !== undefined && field ? { header, field } : undefined;
  });
}

export const headersText = (list: HeaderRule[]) => list.map((h) => `${h.header}: ${h.field}`).join('\n');

/** `0, +98, 11`: what begins with the first begins with the second instead; only numbers of so many characters. */
export function rewriting(text: string): Read<NumberRule> {
  return read(text, (line) => {
    const [starts_with = '', becomes = '', length = ''] = fields(line);
    const key = /^[+*#0-9]*$/;
    if ((starts_with === '' && becomes === '') || !key.test(starts_with) || !key.test(becomes) || !/^([1-9]\d?)?$/.test(length)) return undefined;
    return { starts_with, becomes, length: length === '' ? null : Number(length) };
  });
}

export const rewritingText = (list: NumberRule[]) =>
  list.map((r) => [r.starts_with, r.becomes, ...(r.length == null ? [] : [r.length])].join(', ')).join('\n');

export function numbers(text: string): Read<string> {
  return read(text, (line) => (/^[+*#]?[0-9*#]+$/.test(line) ? line : undefined));
}
