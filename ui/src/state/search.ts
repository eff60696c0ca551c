// Finding people and calls by what is typed: names in any spelling of Arabic and Persian, numbers in any notation. Pure.
import type { HistoryEntry, HistoryFilter } from '../backend';
import { dialled, latinDigits } from './number';

/** Letters that are one letter to the eye or the ear, and look different to a computer. */
const LETTERS: Record<string, string> = {
  ي: 'ی', ى: 'ی', ئ: 'ی', ك: 'ک', أ: 'ا', إ: 'ا', آ: 'ا', ٱ: 'ا', ة: 'ه', ۀ: 'ه', ؤ: 'و', ß: 'ss', ø: 'o', ł: 'l', ı: 'i',
};
const DIFFERENT = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');
/** Vowel signs and other marks, the joiners and bidi controls between letters, the tatweel that only stretches a word. */
const WITHOUT = /[\p{M}\u0640\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** A text as it is compared: no case, no marks, one form of each letter, Latin digits, single spaces. */
export function fold(text: string): string {
  const lower = latinDigits(text.toLocaleLowerCase('en'));
  // Letters first: taking an Arabic letter apart would lose its hamza before it is known as one.
  const letters = lower.replace(DIFFERENT, (letter) => LETTERS[letter] ?? letter);
  return letters.normalize('NFKD').replace(WITHOUT, '').replace(DIFFERENT, (letter) => LETTERS[letter] ?? letter).replace(/\s+/g, ' ').trim();
}

/** The digits of a number, if the text is one. */
function digitsOf(text: string): string | undefined {
  const plain = text.replace(/[\s().\-/+]/g, '');
  return /^[0-9*#]{2,}$/.test(plain) ? plain : undefined;
}

export interface Query {
  words: string[];
  /** Without the zeros before it: `021` is found in `+98 21`. */
  digits: string | undefined;
}

export function query(typed: string): Query {
  const folded = fold(typed);
  return { words: folded.split(' ').filter(Boolean), digits: digitsOf(folded)?.replace(/^0+(?=.)/, '') };
}

/** A name and a number as they are compared. */
export interface Folded {
  text: string;
  digits: string;
}

export function foldPeer(name: string | null, address: string): Folded {
  return { text: fold(`${name ?? ''} ${address}`), digits: fold(address).replace(/[^0-9*#]/g, '') };
}

/** Whether everything that was typed is in the name or the number. */
export function holds({ text, digits }: Folded, asked: Query): boolean {
  return asked.words.every((word) => text.includes(word)) || (asked.digits !== undefined && digits.includes(asked.digits));
}

const folded = new WeakMap<HistoryEntry, Folded>();

/** Folding costs more than comparing, so that each entry is folded once. */
function foldedEntry(entry: HistoryEntry): Folded {
  let found = folded.get(entry);
  if (found === undefined) {
    found = foldPeer(entry.peer.name, entry.peer.address);
    folded.set(entry, found);
  }
  return found;
}

export function matches(entry: HistoryEntry, asked: Query): boolean {
  return asked.words.length === 0 || holds(foldedEntry(entry), asked);
}

/** People of the call log that what is typed may mean, each once, the latest first. */
export function suggestions(history: readonly HistoryEntry[], typed: string, atMost: number): HistoryEntry[] {
  const asked = query(typed);
  const typedNumber = dialled(typed);
  const found = new Map<string, HistoryEntry>();
  for (const entry of history) {
    if (found.size === atMost) break;
    const { address } = entry.peer;
    if (address === '' || address.endsWith('@practice')) continue;
    // With nothing typed: what was dialled last.
    if (asked.words.length === 0 && entry.direction !== 'outgoing') continue;
    if (entry.peer.name === null && dialled(address) === typedNumber) continue;
    const key = foldedEntry(entry).digits || address.toLowerCase();
    if (!found.has(key) && matches(entry, asked)) found.set(key, entry);
  }
  return [...found.values()];
}

/** Whether a call is among those that a filter of the call log asks for. */
export function passes(entry: HistoryEntry, filter: HistoryFilter): boolean {
  if (filter.missed && entry.outcome !== 'missed') return false;
  if (filter.direction != null && entry.direction !== filter.direction) return false;
  if (filter.account != null && entry.account !== filter.account) return false;
  const started = entry.started_ms ?? 0;
  return started >= (filter.from_ms ?? -Infinity) && started < (filter.until_ms ?? Infinity);
}
