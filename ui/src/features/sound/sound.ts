// The sound settings with Hatif's own values where none is set, and changes of one of them. What is a list here has its
// words in the catalogue under `sound.` and the name.
import type { DeviceRole, SoundSettings, Volume } from '../../backend';
import { onMount } from 'svelte';
import { phone } from '../../state/phone.svelte';

const VOLUME: Required<Volume> = { percent: 100, muted: false };
const DEFAULTS = {
  raw: false, high_pass: true, noise_suppression: true, automatic_gain: true, echo_cancellation: 'auto', sidetone: 0,
} as const;

export function soundSettings(): Required<SoundSettings> {
  const chosen = phone.settings.sound ?? {};
  return { ...DEFAULTS, microphone: VOLUME, speaker: VOLUME, ringer: VOLUME, ...chosen };
}

export function changeSound(change: SoundSettings): void {
  phone.changeSettings({ sound: { ...soundSettings(), ...change } });
}

export function volumeOf(role: DeviceRole): Required<Volume> {
  return { ...VOLUME, ...soundSettings()[role] };
}

/** What can be done with the microphone's sound, each on or off. */
export const SWITCHES = ['noise_suppression', 'automatic_gain', 'high_pass'] as const;

/** Opens the microphone for the meter, for the life of the calling component. */
export function openMeter(): void {
  onMount(() => {
    const off = () => phone.send({ command: 'meter', on: false });
    phone.send({ command: 'meter', on: true });
    addEventListener('pagehide', off);
    return () => {
      removeEventListener('pagehide', off);
      off();
    };
  });
}
