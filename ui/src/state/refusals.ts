// Commands that were refused. A screen that has a place for a refusal (the dial field, the account form) claims the
// commands it sends; what nobody claims is told in a toast.
import { onMount } from 'svelte';
import type { Text } from '../backend';

type Place = (text: Text) => void;

class Refusals {
  #places = new Map<string, Place>();
  #toast: Place = () => {};
  /** Told when a command did not even reach the application. */
  undelivered: () => void = () => {};

  /** Where refusals go that no screen has claimed. */
  set fallback(toast: Place) {
    this.#toast = toast;
  }

  /** For the life of the calling component, refusals of these commands come to `place`. */
  claim(commands: string[], place: Place): void {
    onMount(() => {
      for (const command of commands) this.#places.set(command, place);
      return () => {
        for (const command of commands) if (this.#places.get(command) === place) this.#places.delete(command);
      };
    });
  }

  add(command: string, text: Text): void {
    (this.#places.get(command) ?? this.#toast)(text);
  }
}

export const refused = new Refusals();
