// The keys that work wherever the focus is. Esc is not among them: it never ends a call.
import type { CallView } from '../backend';
import { dtmf } from '../state/dtmf.svelte';
import { telephoneKey } from '../state/number';
import { phone } from '../state/phone.svelte';
import { defaultAccount } from '../state/place';
import { screen } from '../state/screen.svelte';
import { tasks } from '../state/tasks.svelte';
import { speedDials } from './colleagues/speed';
import { controlsOf, use } from './call/controls';
import { PLACES } from './shell/places';

/** Whether keys belong to what has the focus: somewhere to type or choose, or a question. */
function typing(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable], dialog[open]') !== null;
}

/** A Latin letter by what is written on the key, or by its place where the layout is another script's. */
export function letter(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  return /^[a-z]$/.test(key) ? key : event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : key;
}

/** A control of the call by its letter. */
function control(call: CallView, key: string): boolean {
  const found = controlsOf(call).find((c) => c.key?.toLowerCase() === key);
  if (found === undefined) return false;
  use(found, call);
  return true;
}

/** The card's own button: a new customer, or what is known of this one; and its notes. */
function card(key: string): boolean {
  if (key === 'w') {
    const notes = document.getElementById('call-notes');
    notes?.focus();
    return notes !== null;
  }
  const button = key === 'c' ? document.querySelector<HTMLButtonElement>('#card-new, #card-edit') : null;
  button?.click();
  return button !== null;
}

function answer(): boolean {
  const call = screen.incoming.find((c) => c.actions.includes('answer'));
  if (call === undefined) return false;
  phone.send({ command: 'answer', call: call.id });
  screen.choose(call.id);
  return true;
}

/** Declines what rings; ends the call in front when nothing does. */
function end(): boolean {
  const ringing = screen.incoming.find((c) => c.actions.includes('reject'));
  if (ringing !== undefined) {
    phone.send({ command: 'reject', call: ringing.id });
    return true;
  }
  const call = screen.call;
  if (call === undefined || !call.actions.includes('hang_up')) return false;
  phone.send({ command: 'hang_up', call: call.id });
  return true;
}

function openSheet(): boolean {
  screen.shortcuts = true;
  return true;
}

/** Ctrl and a letter or figure: from place to place, wherever the focus is. */
function goTo(event: KeyboardEvent): boolean {
  if (letter(event) === 'k') {
    void screen.prefill(screen.dial);
    return true;
  }
  const place = /^Digit[1-9]$/.test(event.code) ? PLACES[Number(event.code.slice(5)) - 1] : undefined;
  if (place === undefined) return false;
  screen.show(place.name);
  return true;
}

/** Without a call in front: the mailbox, and the last number once more. */
function idle(key: string): boolean {
  if (key === 'v') {
    const mailbox = phone.mailboxes.find((m) => m.waiting && m.callable) ?? phone.mailboxes.find((m) => m.callable);
    if (mailbox) phone.send({ command: 'call_mailbox', account: mailbox.account });
    return mailbox !== undefined;
  }
  if (key === 'd') {
    const reminded = tasks.reminders.find((task) => task.address);
    if (reminded) tasks.call(reminded);
    return reminded !== undefined;
  }
  if (key === 'r') phone.send({ command: 'redial' });
  return key === 'r';
}

/** Alt and a figure: the numbers that are called often. */
function speedDial(event: KeyboardEvent): boolean {
  const dial = /^Digit[1-9]$/.test(event.code) ? speedDials()[Number(event.code.slice(5)) - 1] : undefined;
  if (dial) phone.send({ command: 'call', to: dial.number, account: defaultAccount() });
  return dial !== undefined;
}

function obey(event: KeyboardEvent): boolean {
  if (event.ctrlKey && event.shiftKey && !event.altKey) {
    const key = letter(event);
    return key === 'a' ? answer() : key === 'd' ? end() : false;
  }
  if (event.key === 'F1') return openSheet();
  if (event.ctrlKey && !event.altKey && !event.metaKey) return goTo(event);
  if (event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.repeat && speedDial(event)) return true;
  if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return false;
  const call = screen.call;
  if (call !== undefined && !event.repeat && (control(call, letter(event)) || card(letter(event)))) return true;
  if (call === undefined && !event.repeat && idle(letter(event))) return true;
  if (event.key === '?' || event.key === '؟') return openSheet();

  const digit = telephoneKey(event.key);
  if (digit !== undefined && call?.actions.includes('dtmf')) {
    dtmf.send(call, digit);
    return true;
  }
  if ((digit !== undefined || event.key === '+') && screen.name === 'home') {
    void screen.prefill(screen.dial + (digit ?? '+'));
    return true;
  }
  return false;
}

export function keyboard(event: KeyboardEvent): void {
  if (!event.defaultPrevented && obey(event)) event.preventDefault();
}
