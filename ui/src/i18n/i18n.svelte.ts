// The language in use. One file a language: a new `xx.json` beside the others is all that a fourth one needs; only the
// one in use is fetched. The same files are read by the tray and the notifications, so keys are flat and nothing in them is markup.
import type { Settings, Text } from '../backend';
import type en from './en.json';
import { clock as latinClock, digitsIn, sentence, type Catalogue, type Params } from './format';

export type Key = KeyOf<keyof typeof en>;
/** `history.count.one` is asked for as `history.count` with a parameter `n`. */
type KeyOf<K extends string> = K extends `${infer Base}.${'zero' | 'one' | 'two' | 'few' | 'many' | 'other'}` ? Base : K;

export interface Language {
  code: string;
  /** In its own words. */
  name: string;
}

const files = import.meta.glob<Catalogue>('./*.json', { import: 'default' });
const about = import.meta.glob<Language>('./*.json', { eager: true, query: '?language', import: 'default' });
const fetched = new Map<string, Catalogue>();

export const languages: Language[] = Object.values(about);

/** The language as it is used where the user is, if the system tells (`en-GB` has a clock of 24 hours). */
function regional(code: string): string {
  return navigator.languages.find((l) => l === code || l.startsWith(`${code}-`)) ?? code;
}

class Current {
  code = $state('en');
  /** Nothing until the first one is there: nothing can be said before. */
  catalogue = $state.raw<Catalogue>();
  readonly direction = $derived(this.catalogue?.['language.direction'] === 'rtl' ? 'rtl' : 'ltr');
  readonly plural = $derived(new Intl.PluralRules(this.code));
  numerals = $state<NonNullable<Settings['numerals']>>('language');
  calendar = $state<NonNullable<Settings['calendar']>>('gregorian');
  /** With the digits and the calendar that were chosen; else what is usual in the language, where the user is. */
  readonly locale = $derived.by(() => {
    const extension = `${CALENDARS[this.calendar]}${NUMERALS[this.numerals]}`;
    return regional(this.code) + (extension && `-u${extension}`);
  });
  /** The digits, from zero to nine. */
  readonly digits = $derived(digitsIn(this.locale));
}

const CALENDARS = { language: '', gregorian: '-ca-gregory', persian: '-ca-persian', islamic: '-ca-islamic-umalqura' };
const NUMERALS = { language: '', latin: '-nu-latn', arabic: '-nu-arab', persian: '-nu-arabext' };

const current = new Current();
export { current as language };

const LAST = 'language';

/** The language that was used here last: for what is said before the application has told which one is chosen. */
export const lastLanguage = (): string => localStorage.getItem(LAST) ?? navigator.language.slice(0, 2);

/** How often a language was asked for: while one is on its way, only the last counts. */
let asked = 0;

/**
 * Takes a language into use, everywhere at the same moment: at once if it was in use before, else when it has been fetched.
 * An unknown one becomes English.
 */
export async function useLanguage(wanted: string, { numerals, calendar }: Settings): Promise<void> {
  const mine = (asked += 1);
  const code = `./${wanted}.json` in files ? wanted : 'en';
  const catalogue = fetched.get(code) ?? (await files[`./${code}.json`]!());
  fetched.set(code, catalogue);
  if (mine !== asked) return;
  current.code = code;
  current.catalogue = catalogue;
  current.numerals = numerals ?? 'language';
  current.calendar = calendar ?? 'gregorian';
  document.documentElement.lang = code;
  document.documentElement.dir = current.direction;
  localStorage.setItem(LAST, code);
}

/** The words for a key. */
export function t(key: Key, params: Params = {}): string {
  return sentence(current.catalogue ?? {}, key, params, current.plural, current.digits) ?? key;
}

/** Seconds as a clock: `0:07`, `12:40`, `1:02:03`. Always left to right. */
export function clock(seconds: number): string {
  return latinClock(seconds, current.digits);
}

/** What a person calls the setting that the application names so; a newer one than this page knows keeps its name. */
export function settingName(setting: string): string {
  const words = t(`settings.${setting}` as Key);
  return words.startsWith('settings.') ? setting : words;
}

/** The words for a message from the application. A code that the catalogue lacks is still told, with its code. */
export function message(text: Text): string {
  const { setting, ...others } = text.params;
  const params = setting === undefined ? others : { ...others, setting: settingName(setting) };
  return (
    sentence(current.catalogue ?? {}, `msg.${text.code}`, params, current.plural) ??
    t('message.unknown', { code: text.code })
  );
}

const DAY_MS = 86_400_000;

function dayNumber(ms: number): number {
  const date = new Date(ms);
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS);
}

/** When the day of a moment begins (Unix ms), or the one that is `later` days later. */
export function startOfDay(ms: number, later: number): number {
  const date = new Date(ms);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + later).getTime();
}

/** "Today", "Yesterday", "Tomorrow", or the date. */
export function day(ms: number, now: number): string {
  const ago = dayNumber(now) - dayNumber(ms);
  if (Math.abs(ago) <= 1) {
    const words = new Intl.RelativeTimeFormat(current.locale, { numeric: 'auto' }).format(-ago, 'day');
    return words.charAt(0).toLocaleUpperCase(current.code) + words.slice(1);
  }
  const sameYear = new Date(now).getFullYear() === new Date(ms).getFullYear();
  return new Intl.DateTimeFormat(current.locale, {
    weekday: 'long', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' }),
  }).format(ms);
}

/** The time of day, as the language writes it. */
export function timeOfDay(ms: number): string {
  return new Intl.DateTimeFormat(current.locale, { hour: 'numeric', minute: '2-digit' }).format(ms);
}

/** Time of day, and which day if it was not today: "Yesterday, 14:05". */
export function when(ms: number, now: number): string {
  const time = timeOfDay(ms);
  return dayNumber(now) === dayNumber(ms) ? time : `${day(ms, now)}${t('common.comma')}${time}`;
}

/** Date and time in full, for a tooltip or a screen reader. */
export function dateTime(ms: number): string {
  return new Intl.DateTimeFormat(current.locale, { dateStyle: 'full', timeStyle: 'short' }).format(ms);
}

/** A length of time in words: "2 min 5 sec". */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(s / 3600), 'hour'],
    [Math.floor(s / 60) % 60, 'minute'],
    [s % 60, 'second'],
  ];
  const shown = parts.filter(([n]) => n > 0).slice(0, 2);
  if (shown.length === 0) shown.push([0, 'second']);
  return shown
    .map(([n, unit]) => new Intl.NumberFormat(current.locale, { style: 'unit', unit, unitDisplay: 'short' }).format(n))
    .join(' ');
}

/** A share of 1 as per cent. */
export function percent(share: number): string {
  return new Intl.NumberFormat(current.locale, { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

/** A figure with so many digits after the point: `4.0`. */
export function figure(value: number, digits = 0): string {
  return new Intl.NumberFormat(current.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** Milliseconds with their unit. */
export function milliseconds(ms: number): string {
  return new Intl.NumberFormat(current.locale, {
    style: 'unit', unit: 'millisecond', unitDisplay: 'short', maximumFractionDigits: 0,
  }).format(ms);
}
