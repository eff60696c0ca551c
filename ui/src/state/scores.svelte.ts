// The score of each call (1 to 5) over the last minute, one a second: the application tells what it is, and keeps none.
import { SvelteMap } from 'svelte/reactivity';
import { phone } from './phone.svelte';

/** So many are kept. */
export const SECONDS = 60;

const kept = new SvelteMap<number, readonly number[]>();

/** The newest last. */
export const scoresOf = (call: number): readonly number[] => kept.get(call) ?? [];

phone.listen((event) => {
  if (event.event === 'quality' && event.quality.mos != null) kept.set(event.call, [...scoresOf(event.call), event.quality.mos].slice(-SECONDS));
  else if (event.event === 'call_gone') kept.delete(event.call);
});
