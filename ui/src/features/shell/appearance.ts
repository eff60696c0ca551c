// How the page looks as a whole: what the user chose, or else what the system asks for. The style sheets go by the
// attributes that are set here and not by media queries of their own, so that each choice is made in one place.
import { MediaQuery } from 'svelte/reactivity';
import type { Settings } from '../../backend';

const dark = new MediaQuery('prefers-color-scheme: dark');
const contrast = new MediaQuery('prefers-contrast: more');
const still = new MediaQuery('prefers-reduced-motion: reduce');

export function wear(settings: Settings): void {
  const { style, dataset } = document.documentElement;
  const theme = settings.theme ?? 'system';
  dataset.theme = theme === 'system' ? (dark.current ? 'dark' : 'light') : theme;
  dataset.contrast = settings.contrast === 'more' || contrast.current ? 'more' : 'usual';
  dataset.motion = settings.motion === 'none' || still.current ? 'none' : 'usual';
  style.fontSize = `${settings.text_size ?? 100}%`;
}
