// Every language says everything, in every form that its plurals need, and nothing is said that nobody asks for.
import { describe, expect, it } from 'vitest';
import { filled } from './languages';
import { clock, digitsIn, fill, sentence, type Catalogue } from './format';

// As they are written: the page gets them with English in their gaps.
const texts = import.meta.glob<string>('./*.json', { eager: true, query: '?raw', import: 'default' });
const catalogues = Object.entries(texts).map(([path, text]): [string, Catalogue] => [path.slice(2, -5), JSON.parse(text)]);
const english = new Map(catalogues).get('en')!;
const FORM = /\.(zero|one|two|few|many|other)$/;
// `recent.cleared.other` is a plural form; `msg.wire.other` is a message of its own.
const isPlural = (key: string) => `${key}.one` in english;
const base = (key: string) => (isPlural(key.replace(FORM, '')) ? key.replace(FORM, '') : key);
const sourceFiles = import.meta.glob<string>(['../**/*.{svelte,ts}', '!../**/*.test.ts'], { eager: true, query: '?raw', import: 'default' });
const params = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join();

it('there are at least three languages', () => {
  expect(catalogues.map(([code]) => code)).toEqual(expect.arrayContaining(['ar', 'en', 'fa']));
});

describe.each(catalogues)('%s', (code, catalogue) => {
  it('has every key, and no other', () => {
    const keys = (c: Catalogue) => [...new Set(Object.keys(c).map(base))].sort();
    expect(keys(catalogue)).toEqual(keys(english));
  });

  it('has no key twice', () => {
    const keys = [...texts[`./${code}.json`]!.matchAll(/^ {2}"([^"]+)":/gm)].map((match) => match[1]);
    expect(keys.length).toBeGreaterThan(100);
    expect(keys.filter((key, n) => keys.indexOf(key) !== n)).toEqual([]);
  });

  it('leaves nothing empty, and nothing that would be taken for markup', () => {
    for (const [key, text] of Object.entries(catalogue)) {
      expect(text.trim(), key).not.toBe('');
      expect(text, key).not.toMatch(/[<>]/);
    }
  });

  it('has each form that its plurals need', () => {
    const forms = new Intl.PluralRules(code).resolvedOptions().pluralCategories;
    for (const key of new Set(Object.keys(english).map(base).filter(isPlural)))
      for (const form of forms) expect(Object.keys(catalogue), `${key}.${form}`).toContain(`${key}.${form}`);
  });

  it('uses the parameters that English uses', () => {
    for (const [key, text] of Object.entries(catalogue)) {
      if (isPlural(base(key))) expect(['n', ''], key).toContain(params(text).replace('n,up', 'n'));
      else expect(params(text), key).toBe(params(english[key]!));
    }
  });
});

it('every key is asked for somewhere', () => {
  const sources = Object.values(sourceFiles).join('\n');
  // t(`state.${kind}`) asks for every key of that shape.
  const shapes = [...sources.matchAll(/t\([^)`']*`([^`]+)`/g)].map(
    (m) => new RegExp(`^${m[1]!.split(/\$\{[^}]+\}/).map((part) => part.replaceAll('.', '\\.')).join('[\\w]+')}$`),
  );
  const literal = (key: string) => sources.includes(`'${key}'`);
  const asked = (key: string) =>
    // What the shell shows outside the page; the tidy test looks there.
    key.startsWith('desktop.') || key.startsWith('msg.') || key.startsWith('language.') || literal(key) || shapes.some((shape) => shape.test(key));
  expect(Object.keys(english).map(base).filter((key) => !asked(key))).toEqual([]);
});

describe('sentence', () => {
  const arabic = { 'n.zero': '0', 'n.one': 'one', 'n.two': 'two', 'n.few': 'few {n}', 'n.many': 'many', 'n.other': 'other' };
  const plural = new Intl.PluralRules('ar');
  const form = (n: number) => sentence(arabic, 'n', { n }, plural);

  it('takes the form that the language has for the number', () => {
    expect([0, 1, 2, 3, 11, 100].map(form)).toEqual(['0', 'one', 'two', 'few \u20683\u2069', 'many', 'other']);
  });

  it('is nothing where there is none', () => {
    expect(sentence({ a: 'A' }, 'a', {}, plural)).toBe('A');
    expect(sentence({}, 'a', {}, plural)).toBeUndefined();
  });
});

it('what a catalogue does not say is said in English, what it says in one form only is not', () => {
  const spoken = { 'a.one': 'one', 'a.other': '{n}', b: 'b', 'msg.other': 'other', 'c.one': '1', 'c.other': '{n}' };
  expect(filled({ 'a.other': 'x', b: 'y', d: 'z' }, spoken)).toEqual({ 'a.other': 'x', b: 'y', d: 'z', 'msg.other': 'other', 'c.one': '1', 'c.other': '{n}' });
});

it('isolates what is filled in, and fills in nothing but parameters', () => {
  expect(fill('to {who}!', { who: '{x}' })).toBe('to \u2068{x}\u2069!');
  expect(fill('to {who}!')).toBe('to !');
});

it('tells time as a clock', () => {
  expect([0, 7, 65, 3599, 3600, 36_125, -1].map((s) => clock(s))).toEqual(['0:00', '0:07', '1:05', '59:59', '1:00:00', '10:02:05', '0:00']);
});

describe('digits', () => {
  it.each([
    ['en', '0123456789'],
    ['fa', '۰۱۲۳۴۵۶۷۸۹'],
    ['ar-EG', '٠١٢٣٤٥٦٧٨٩'],
    ['ar-AE', '0123456789'],
    ['ar-u-nu-latn', '0123456789'],
    ['en-u-nu-arabext', '۰۱۲۳۴۵۶۷۸۹'],
  ])('of %s', (locale, digits) => expect(digitsIn(locale)).toBe(digits));

  it('are for times and counts, not for text that may be a phone number', () => {
    const persian = digitsIn('fa');
    expect(clock(67, persian)).toBe('۱:۰۷');
    expect(fill('{n} {number}', { n: 12, number: '0912' }, persian)).toBe('\u2068۱۲\u2069 \u20680912\u2069');
  });
});
