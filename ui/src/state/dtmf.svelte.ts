// Digits that were sent in a call, to show them while it lasts.
import type { CallView } from '../backend';
import { phone } from './phone.svelte';

const SHOWN = 32;

class Dtmf {
  sent = $state<Record<number, string>>({});

  send(call: CallView, digits: string): void {
    if (!call.actions.includes('dtmf')) return;
    this.sent[call.id] = ((this.sent[call.id] ?? '') + digits).slice(-SHOWN);
    phone.send({ command: 'dtmf', call: call.id, digits });
  }
}

export const dtmf = new Dtmf();
