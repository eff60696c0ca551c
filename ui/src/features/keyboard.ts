// The keys that work wherever the focus is. Esc is not among them: it never ends a call.
import type { CallView } from '../backend';
import { dtmf } from '../state/dtmf.svelte';
import { telephoneKey } from '../state/number';
import { phone } from '../state/phone.svelte';
import { screen } from '../state/screen.svelte';

/** Whether keys belong to what has the focus: somewhere to type or choose, or a question. */
function typing(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable], dialog[open]') !== null;
}

/** A Latin letter by what is written on the key, or by its place where the layout is another script's. */
function letter(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  return /^[a-z]$/.test(key) ? key : event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : key;
}

function toggle(call: CallView, key: string): boolean {
  const can = (action: CallView['actions'][number]) => call.actions.includes(action);
  if (key === 'm' && (can('mute') || can('unmute'))) phone.send({ command: 'mute', call: call.id, on: can('mute') });
  else if (key === 'h' && (can('hold') || can('resume'))) phone.send({ command: 'hold', call: call.id, on: can('hold') });
  else return false;
  return true;
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

function obey(event: KeyboardEvent): boolean {
  if (event.ctrlKey && event.shiftKey && !event.altKey) {
    const key = letter(event);
    return key === 'a' ? answer() : key === 'd' ? end() : false;
  }
  if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return false;
  const call = screen.call;
  if (call !== undefined && !event.repeat && toggle(call, letter(event))) return true;

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
