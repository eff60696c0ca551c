// Fills a sentence of the catalogue. Pure; the language in use is in `i18n.svelte.ts`.

export type Catalogue = Readonly<Record<string, string>>;
export type Params = Readonly<Record<string, string | number>>;

// First-strong isolate: what is filled in (a number, a host, a name) keeps its own direction inside the sentence.
const ISOLATE = '\u2068';
const END_ISOLATE = '\u2069';

/** The digits that a locale writes with, from zero to nine. */
export function digitsIn(locale: string): string {
  return new Intl.NumberFormat(locale, { useGrouping: false, minimumIntegerDigits: 10 }).format(123456789);
}

const LATIN = '0123456789';

function written(figures: string, digits: string): string {
  return digits === LATIN ? figures : figures.replace(/[0-9]/g, (d) => digits.charAt(Number(d)));
}

/**
 * Replaces `{name}` by its parameter, isolated; numbers with the digits that are given, text as it is (it may be a phone
 * number). A parameter that is not given is left out.
 */
export function fill(sentence: string, params: Params = {}, digits = LATIN): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) return '';
    return `${ISOLATE}${typeof value === 'number' ? written(String(value), digits) : value}${END_ISOLATE}`;
  });
}

/**
 * The sentence for `key`. With a number `n` among the parameters, the form of that number is taken (`key.one`, `key.few`,
 * ...) by the plural rules of the language.
 */
export function sentence(catalogue: Catalogue, key: string, params: Params, plural: Intl.PluralRules, digits = LATIN): string | undefined {
  const form = typeof params.n === 'number' ? (catalogue[`${key}.${plural.select(params.n)}`] ?? catalogue[`${key}.other`]) : undefined;
  const words = form ?? catalogue[key];
  return words === undefined ? undefined : fill(words, params, digits);
}

/** Seconds as a clock: `0:07`, `12:40`, `1:02:03`. Always left to right. */
export function clock(seconds: number, digits = LATIN): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  const figures = minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
  return written(figures, digits);
}
