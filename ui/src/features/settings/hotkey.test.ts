import { expect, test } from 'vitest';
import { combination, type Pressed } from './hotkey';

const keys = (code: string, more: Partial<Pressed> = {}) =>
  combination({ code, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...more });

test('a combination is written in one order', () => {
  expect(keys('KeyA', { shiftKey: true, ctrlKey: true })).toBe('Ctrl+Shift+A');
  expect(keys('Digit5', { altKey: true, metaKey: true })).toBe('Alt+Super+5');
  expect(keys('F9')).toBe('F9');
  expect(keys('Space', { ctrlKey: true })).toBe('Ctrl+Space');
});

test('a letter alone is not taken from every program', () => {
  expect(keys('KeyA')).toBe('alone');
  expect(keys('KeyA', { shiftKey: true })).toBe('alone');
});

test('modifiers alone, and keys that are for the page, are none', () => {
  for (const code of ['ControlLeft', 'ShiftRight', 'Tab', 'Escape', 'Enter', '']) expect(keys(code, { ctrlKey: true })).toBeUndefined();
});
