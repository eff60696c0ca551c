// The pages of the settings in their order, and what the search finds on each. A new page is a row here and its name in
// at.svelte.ts.
import type { Component } from 'svelte';
import type { IconName } from '../../components/Icon.svelte';
import type { Key } from '../../i18n/i18n.svelte';
import Connectors from '../connectors/Connectors.svelte';
import Diagnostics from '../diagnostics/Diagnostics.svelte';
import Recording from '../recordings/Policy.svelte';
import Sound from '../sound/Sound.svelte';
import AfterCall from '../wrap/AfterCall.svelte';
import About from './About.svelte';
import Accounts from './Accounts.svelte';
import Appearance from './Appearance.svelte';
import type { PageName } from './at.svelte';
import Carry from './Carry.svelte';
import Desktop from './Desktop.svelte';
import Shortcuts from './Shortcuts.svelte';

export interface Findable {
  label: Key;
  /** Words that say more of it, and find it too. */
  more?: readonly Key[];
  /** The id of what gets the focus then, or of what is around it; without one it is the heading of the page. */
  control?: string;
}

export interface SettingsPage {
  name: PageName;
  icon: IconName;
  label: Key;
  content: Component;
  /** The page makes cards of its own; else all of it lies on one. */
  cards?: boolean;
  finds: readonly Findable[];
}

export const PAGES: readonly SettingsPage[] = [
  {
    name: 'accounts', icon: 'user', label: 'settings.accounts', content: Accounts,
    finds: [{ label: 'settings.accounts.add', control: 'add-account' }, { label: 'settings.default_account' }, { label: 'options.open' }],
  },
  {
    name: 'sound', icon: 'headset', label: 'settings.audio', content: Sound, cards: true,
    finds: [
      { label: 'headset.title', more: ['headset.text'], control: 'headset-start' },
      { label: 'settings.microphone', more: ['settings.devices'], control: 'device-microphone' },
      { label: 'sound.volume.microphone', control: 'volume-microphone' },
      { label: 'settings.speaker', more: ['settings.devices'], control: 'device-speaker' },
      { label: 'sound.volume.speaker', control: 'volume-speaker' },
      { label: 'settings.test_tone', control: 'test-tone' },
      { label: 'sound.sidetone', more: ['sound.sidetone.hint'], control: 'sidetone' },
      { label: 'settings.ringer', more: ['settings.ringer.hint', 'settings.devices'], control: 'ringers' },
      { label: 'sound.volume.ringer', control: 'volume-ringer' },
      { label: 'buttons.title', more: ['settings.headset_buttons', 'buttons.hint', 'buttons.lamps'], control: 'headset-buttons' },
      { label: 'sound.noise_suppression', more: ['sound.noise_suppression.hint'], control: 'noise_suppression' },
      { label: 'sound.automatic_gain', more: ['sound.automatic_gain.hint'], control: 'automatic_gain' },
      { label: 'sound.high_pass', more: ['sound.high_pass.hint'], control: 'high_pass' },
      { label: 'sound.echo', more: ['sound.echo.hint'], control: 'echo' },
      { label: 'sound.raw', more: ['sound.raw.hint'], control: 'raw' },
    ],
  },
  {
    name: 'recording', icon: 'record', label: 'settings.recording', content: Recording,
    finds: [{ label: 'settings.recording.which', more: ['settings.recording.hint'], control: 'setting-recording' }],
  },
  {
    name: 'wrap_up', icon: 'check', label: 'settings.wrap_up', content: AfterCall,
    finds: [{ label: 'settings.wrap_up.ask', more: ['settings.wrap_up.hint'], control: 'wrap-up-ask' }],
  },
  {
    name: 'connectors', icon: 'join', label: 'settings.connectors', content: Connectors, cards: true,
    finds: [{ label: 'connector.add', more: ['connector.intro'], control: 'connector-add' }, { label: 'connector.outbox' }],
  },
  {
    name: 'appearance', icon: 'palette', label: 'settings.appearance', content: Appearance,
    finds: [
      { label: 'settings.language', control: 'language' },
      { label: 'settings.theme', more: ['settings.theme.dark', 'settings.theme.light'], control: 'setting-theme' },
      { label: 'settings.contrast', more: ['settings.contrast.more'], control: 'setting-contrast' },
      { label: 'settings.motion', more: ['settings.motion.none'], control: 'setting-motion' },
      { label: 'settings.text_size', control: 'text-size' },
      { label: 'settings.numerals', more: ['settings.numerals.hint'], control: 'numerals' },
      { label: 'settings.calendar', more: ['settings.calendar.gregorian', 'settings.calendar.persian', 'settings.calendar.islamic'], control: 'calendar' },
      { label: 'settings.on_top', control: 'on-top' },
      { label: 'settings.strip', more: ['settings.strip.hint'], control: 'strip' },
    ],
  },
  {
    name: 'desktop', icon: 'monitor', label: 'settings.desktop', content: Desktop,
    finds: [
      { label: 'settings.desktop.close_to_tray', control: 'desktop-close_to_tray' },
      { label: 'settings.desktop.autostart', control: 'desktop-autostart' },
      { label: 'settings.desktop.notifications', control: 'desktop-notifications' },
      { label: 'settings.desktop.pause_media', control: 'desktop-pause_media' },
      { label: 'settings.desktop.hotkeys', more: ['settings.desktop.hotkey.answer', 'settings.desktop.hotkey.mute', 'settings.desktop.hotkey.push_to_talk', 'settings.desktop.hotkey.dial_selection'], control: 'hotkey-answer' },
    ],
  },
  { name: 'shortcuts', icon: 'keyboard', label: 'settings.shortcuts', content: Shortcuts, finds: [] },
  {
    name: 'carry', icon: 'file', label: 'settings.carry', content: Carry,
    finds: [{ label: 'settings.export', control: 'settings-export' }, { label: 'settings.import', control: 'settings-import' }],
  },
  {
    name: 'diagnostics', icon: 'activity', label: 'diagnostics.title', content: Diagnostics, cards: true,
    finds: [{ label: 'check.title', more: ['check.text'], control: 'check-start' }, { label: 'diagnostics.log', control: 'log-filter' }, { label: 'diagnostics.codecs' }, { label: 'quality.label', control: 'diagnostics-calls' }],
  },
  { name: 'about', icon: 'info', label: 'settings.about', content: About, finds: [] },
];
