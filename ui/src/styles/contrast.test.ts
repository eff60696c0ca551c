// The colours of tokens.css against each other: WCAG 2.2 AA, in every theme and with more contrast asked for.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');

type Colours = Record<string, string>;

function declarations(block: string): Colours {
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})\b/g)].map((m) => [m[1]!, m[2]!]));
}

const [usual, more] = css.split('/* Who asks for more contrast') as [string, string];
const blocks = (text: string) =>
  [...text.matchAll(/((?::root[^{,]*,?\s*)+)\{([^}]*)\}/g)].map(([, selector, body]) => ({ dark: selector!.includes('dark'), colours: declarations(body!) }));
const of = (text: string, dark: boolean) => Object.assign({}, ...blocks(text).filter((b) => b.dark === dark).map((b) => b.colours)) as Colours;

const themes: [string, Colours][] = [
  ['light', of(usual, false)],
  ['dark', { ...of(usual, false), ...of(usual, true) }],
  ['light, more contrast', { ...of(usual, false), ...of(more, false) }],
  ['dark, more contrast', { ...of(usual, false), ...of(usual, true), ...of(more, true) }],
];

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const LAYERS = ['window', 'sheet', 'surface', 'raised'];
const pairs = (over: string[], under: string[]) => over.flatMap((o) => under.map((u): [string, string] => [o, u]));
const TEXT: [string, string][] = [
  ...pairs(['text', 'text-quiet', 'good', 'bad', 'warn', 'focus'], LAYERS),
  ['on-accent', 'accent'], ['on-accent', 'accent-hover'], ['on-call', 'call'], ['on-call', 'call-hover'],
  ['on-danger', 'danger'], ['on-danger', 'danger-hover'], ['on-toast', 'toast'],
  ['warn', 'warn-soft'], ['bad', 'danger-soft'], ['good', 'call-soft'], ['focus', 'accent-soft'],
  ...pairs(['text'], ['warn-soft', 'danger-soft', 'call-soft', 'accent-soft']),
];
const SHAPES = pairs(['line-strong', 'focus'], LAYERS);

describe.each(themes)('%s', (_, colours) => {
  it.each(TEXT)('%s is read on %s', (over, under) => expect(contrast(colours[over]!, colours[under]!)).toBeGreaterThanOrEqual(4.5));
  it.each(SHAPES)('%s is seen on %s', (over, under) => expect(contrast(colours[over]!, colours[under]!)).toBeGreaterThanOrEqual(3));
});

it('knows black from white', () => expect(contrast('#000000', '#ffffff')).toBeCloseTo(21));
