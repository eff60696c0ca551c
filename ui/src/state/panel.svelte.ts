// What is open in the call pane below the caller: the keypad, the transfer; one at a time, and of one call.
import type { CallView } from '../backend';

export type PanelName = 'keypad' | 'transfer';

class Panel {
  #open = $state.raw<{ call: number; name: PanelName }>();

  /** The panel that is open for a call. */
  of(call: CallView): PanelName | undefined {
    return this.#open?.call === call.id ? this.#open.name : undefined;
  }

  toggle(call: CallView, name: PanelName): void {
    this.#open = this.of(call) === name ? undefined : { call: call.id, name };
  }

  close(): void {
    this.#open = undefined;
  }
}

export const panel = new Panel();
