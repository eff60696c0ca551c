// With whom a call was before its other side changed: a transfer by the phone system, or a call that took another's place.
import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { CallView, Event, PeerView } from '../backend';
import { phone } from './phone.svelte';

class Former {
  #last = new Map<number, PeerView>();
  readonly #before = new SvelteMap<number, PeerView>();

  constructor() {
    phone.listen((event) => untrack(() => this.#take(event)));
  }

  /** Whom the call was with before, if that changed. */
  of(call: CallView): PeerView | undefined {
    return this.#before.get(call.id);
  }

  #take(event: Event): void {
    if (event.event === 'call_gone') {
      this.#last.delete(event.call);
      this.#before.delete(event.call);
    } else if (event.event === 'call_changed') {
      const { id, peer, replaces, state } = event.call;
      const last = this.#last.get(id) ?? phone.call(id)?.peer ?? (replaces === null ? undefined : phone.call(replaces)?.peer);
      if (last && last.address !== peer.address && state.state !== 'dialing') this.#before.set(id, last);
      this.#last.set(id, peer);
    }
  }
}

export const former = new Former();
