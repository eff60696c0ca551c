// Which screen is shown, and which of several calls is in front. Nothing of this leaves the window.
import { tick } from 'svelte';
import { MediaQuery } from 'svelte/reactivity';
import type { CallView } from '../backend';
import { phone } from './phone.svelte';

/** `home` and `calls` are one screen where the window is wide enough to show both. */
export type ScreenName = 'home' | 'calls' | 'today' | 'history' | 'recordings' | 'colleagues' | 'customers' | 'settings' | 'account' | 'options';

/** Nobody reads a number faster than this. */
const UNREAD_MS = 500;

/** Room for home and what is in front side by side: the breakpoint of App.svelte. */
const WIDE_REM = 52;
const wide = $derived(new MediaQuery(`min-width: ${(WIDE_REM * (phone.settings.text_size ?? 100)) / 100}rem`));

class Screen {
  name = $state<ScreenName>('home');
  /** Whether the sheet with all keys is open. */
  shortcuts = $state(false);
  /** The account that the form edits; none: a new one. */
  editing = $state<number>();
  /** What stands in the dial field. Kept here so that it outlives a visit to the settings. */
  dial = $state('');
  /** The account to call from, when the user has chosen one for this call. */
  callFrom = $state<number>();

  #chosen = $state<number>();
  #dismissed = $state.raw<ReadonlySet<number>>(new Set());

  /** Calls on the screen: not those that ring (they have a place of their own), nor ended ones that were put away. */
  readonly calls = $derived(phone.calls.filter((c) => c.state.state !== 'incoming' && !this.#dismissed.has(c.id)));
  readonly incoming = $derived(phone.calls.filter((c) => c.state.state === 'incoming'));
  /** The call in front: the one chosen, else the liveliest. */
  readonly call = $derived(this.calls.find((c) => c.id === this.#chosen) ?? liveliest(this.calls));

  /** Room for two things side by side. */
  get wide(): boolean {
    return wide.current;
  }

  /** Beside home there is room, and nothing is in it. */
  get idle(): boolean {
    return wide.current && this.call === undefined && (this.name === 'home' || this.name === 'calls');
  }

  show(name: ScreenName): void {
    if (name === this.name) return;
    this.name = name;
    // The focus follows: a screen reader starts with the heading, and a screen to type in with its field.
    const first: Partial<Record<ScreenName, string>> = { home: '#dial', history: '#history-search', recordings: '#recordings-search', customers: '#customer-search' };
    if (this.editing === undefined) first.account = '#account-domain';
    void focus(first[name] ?? '.front h1');
  }

  /** Brings a call to the front; keys and digits are for it from now on. */
  choose(call: number): void {
    this.#chosen = call;
    this.name = 'calls';
    void focus('#call-heading');
  }

  /** Puts an ended call away before the application does. */
  dismiss(call: number): void {
    this.#dismissed = new Set([...this.#dismissed, call]);
    if (this.calls.length === 0) this.show('home');
  }

  editAccount(id?: number): void {
    this.editing = id;
    this.show('account');
  }

  editOptions(id: number): void {
    this.editing = id;
    this.show('options');
  }

  #filledAt = -Infinity;

  /** A number that comes from outside the window. Keys that are already on their way are not meant for it. */
  async fill(number: string): Promise<void> {
    this.#filledAt = performance.now();
    await this.prefill(number);
  }

  /** Whether the dial field was filled from outside a moment ago: nobody has read what it holds. */
  get justFilled(): boolean {
    return performance.now() - this.#filledAt < UNREAD_MS;
  }

  /** Puts a number into the dial field and the caret behind it. */
  async prefill(number: string): Promise<void> {
    this.dial = number;
    this.name = 'home';
    await tick();
    const field = document.querySelector<HTMLInputElement>('#dial');
    field?.focus();
    field?.setSelectionRange(number.length, number.length);
  }
}

async function focus(selector: string): Promise<void> {
  await tick();
  document.querySelector<HTMLElement>(selector)?.focus();
}

const ORDER = ['active', 'answering', 'ringing', 'dialing', 'ending', 'ended', 'incoming'];

function liveliest(calls: CallView[]): CallView | undefined {
  const held = (c: CallView) => (c.state.state === 'active' && c.state.hold !== 'none' ? 1 : 0);
  return calls.toSorted(
    (a, b) => ORDER.indexOf(a.state.state) - ORDER.indexOf(b.state.state) || held(a) - held(b) || b.id - a.id,
  )[0];
}

export const screen = new Screen();
