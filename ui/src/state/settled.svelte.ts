// What somebody types, once they pause: while they type, nothing is looked up, and nothing but their letters is drawn.

/** Nobody waits longer than this between two letters of one word. */
const TYPING_MS = 120;

export class Settled {
  #text = $state('');

  /** To be made while a component is. An emptied field is not waited for. */
  constructor(typed: () => string) {
    $effect(() => {
      const now = typed();
      if (now === '') this.#text = '';
      if (now === this.#text) return;
      const wait = setTimeout(() => (this.#text = now), TYPING_MS);
      return () => clearTimeout(wait);
    });
  }

  get text(): string {
    return this.#text;
  }
}
