// The keys that there are, as they are told: the sheet (`?`) and the settings. What they do is in keyboard.ts.
import type { Key } from '../i18n/i18n.svelte';

export interface Shortcut {
  keys: readonly string[];
  does: Key;
}

export const SHORTCUTS: readonly { title: Key; shortcuts: readonly Shortcut[] }[] = [
  {
    title: 'shortcut.group.calls',
    shortcuts: [
      { keys: ['Enter'], does: 'shortcut.dial' },
      { keys: ['↓'], does: 'shortcut.suggest' },
      { keys: ['Ctrl', 'Shift', 'A'], does: 'shortcut.answer' },
      { keys: ['Ctrl', 'Shift', 'D'], does: 'shortcut.end' },
      { keys: ['M'], does: 'shortcut.mute' },
      { keys: ['H'], does: 'shortcut.hold' },
      { keys: ['T'], does: 'shortcut.transfer' },
      { keys: ['Enter'], does: 'shortcut.consult' },
      { keys: ['Shift', 'Enter'], does: 'shortcut.transfer_now' },
      { keys: ['B'], does: 'shortcut.abandon' },
      { keys: ['S'], does: 'shortcut.swap' },
      { keys: ['J'], does: 'shortcut.join' },
      { keys: ['L'], does: 'shortcut.leave' },
      { keys: ['G'], does: 'shortcut.grant' },
      { keys: ['X'], does: 'shortcut.refuse' },
      { keys: ['F'], does: 'shortcut.mobile' },
      { keys: ['E'], does: 'shortcut.record' },
      { keys: ['P'], does: 'shortcut.record_pause' },
      { keys: ['N'], does: 'shortcut.help' },
      { keys: ['C'], does: 'shortcut.card' },
      { keys: ['W'], does: 'shortcut.notes' },
      { keys: ['1–9'], does: 'shortcut.disposition' },
      { keys: ['Ctrl', 'Enter'], does: 'shortcut.wrap_up' },
      { keys: ['0–9', '*', '#'], does: 'shortcut.digits' },
    ],
  },
  {
    title: 'shortcut.group.recordings',
    shortcuts: [
      { keys: ['Space'], does: 'shortcut.play' },
      { keys: ['←', '→'], does: 'shortcut.skip' },
      { keys: ['C'], does: 'shortcut.comment' },
      { keys: ['B'], does: 'shortcut.bookmark' },
    ],
  },
  {
    title: 'shortcut.group.window',
    shortcuts: [
      { keys: ['V'], does: 'shortcut.mailbox' },
      { keys: ['R'], does: 'shortcut.redial' },
      { keys: ['D'], does: 'shortcut.reminded' },
      { keys: ['Alt', '1–9'], does: 'shortcut.speed' },
      { keys: ['Ctrl', 'K'], does: 'shortcut.dial_field' },
      { keys: ['Ctrl', 'F'], does: 'shortcut.search' },
      { keys: ['Ctrl', '1–9'], does: 'shortcut.places' },
      { keys: ['Esc'], does: 'shortcut.clear' },
      { keys: ['?'], does: 'shortcut.sheet' },
    ],
  },
];
