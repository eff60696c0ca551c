import { describe, expect, it } from 'vitest';
import { find, type Entry } from './find';

const entries: Entry<string>[] = [
  { of: 'size', label: 'حجم النص', more: [] },
  { of: 'noise', label: 'Take out noise', more: ['Fans and keyboards become quieter'] },
  { of: 'ringer', label: 'Ringer', more: ['Where incoming calls ring, above the noise'] },
  { of: 'calendar', label: 'تقویم', more: ['هجری خورشیدی', 'الميلادي'] },
  { of: 'mic', label: 'الميكروفون', more: [] },
];

describe('settings are found', () => {
  it.each([
    ['noise', ['noise', 'ringer']],
    ['NOISE  take', ['noise']],
    ['keyboards', ['noise']],
    ['النّص', ['size']],
    ['هجري', ['calendar']],
    ['میلادی', ['calendar']],
    ['میکروفون', ['mic']],
    ['noise calendar', []],
    ['', []],
    ['   ', []],
  ])('%s', (typed, found) => expect(find(entries, typed)).toEqual(found));
});
