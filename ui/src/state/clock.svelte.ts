// The time, for timers on the screen. Ticks only while something shows it.
import { createSubscriber } from 'svelte/reactivity';

let now = Date.now();

const subscribe = createSubscriber((update) => {
  const timer = setInterval(() => {
    now = Date.now();
    update();
  }, 250);
  return () => clearInterval(timer);
});

/** Unix time in milliseconds; whoever reads it in a template is drawn again as it passes. */
export function currentTime(): number {
  subscribe();
  now = Date.now();
  return now;
}
