// What can be done with a call, as buttons and keys. One row a control: the core says by `call.actions` which of them
// there are now, and nothing else is shown or obeyed. A new control is a new row (and its panel, if it opens one:
// `panels.ts`).
import type { Action, CallView, Command } from '../../backend';
import type { IconName } from '../../components/Icon.svelte';
import { t, type Key } from '../../i18n/i18n.svelte';
import { panel, type PanelName } from '../../state/panel.svelte';
import { phone } from '../../state/phone.svelte';
import { nameOf, who } from './words';

export interface Control {
  /** Of its button. Two controls that replace each other (mute, unmute) share it, and keep the focus. */
  id: string;
  /** Shown while the call offers this. */
  action: Action;
  icon: IconName;
  label: Key;
  /** The letter that does the same. */
  key?: string;
  /** A state that it is in, for a control that is switched on and off. */
  pressed?: boolean;
  /** Drawn by what it belongs to (the consultation, the conference, the ask), not among the others. */
  apart?: boolean;
  does: { command: (call: CallView) => Command } | { panel: PanelName };
}

const mute = (on: boolean) => ({ command: (call: CallView): Command => ({ command: 'mute', call: call.id, on }) });
const hold = (on: boolean) => ({ command: (call: CallView): Command => ({ command: 'hold', call: call.id, on }) });

const recording = (does: 'begin' | 'pause' | 'resume' | 'end') => ({
  command: (call: CallView): Command => ({ command: 'recordings', recordings: { do: does, call: call.id } }),
});

const of = (command: 'move_to_mobile' | 'complete_transfer' | 'abandon_consult' | 'swap' | 'grant' | 'refuse') => ({
  command: (call: CallView): Command => ({ command, call: call.id }),
});

/** What the team lead has to know, in the language of the window. */
function askForHelp(call: CallView): Command {
  const { address } = call.peer;
  const facts = [who(call.peer), ...(nameOf(call.peer) ? [address] : []), call.queue, call.customer];
  return { command: 'help', call: call.id, text: t('call.help.text', { facts: facts.filter(Boolean).join(' · ') }) };
}

const CONTROLS: readonly Control[] = [
  { id: 'mute', action: 'mute', icon: 'mic', label: 'call.mute', key: 'M', pressed: false, does: mute(true) },
  { id: 'mute', action: 'unmute', icon: 'mic-off', label: 'call.unmute', key: 'M', pressed: true, does: mute(false) },
  { id: 'dtmf', action: 'dtmf', icon: 'keypad', label: 'call.keypad', does: { panel: 'keypad' } },
  { id: 'hold', action: 'hold', icon: 'pause', label: 'call.hold', key: 'H', pressed: false, does: hold(true) },
  { id: 'hold', action: 'resume', icon: 'play', label: 'call.resume', key: 'H', pressed: true, does: hold(false) },
  { id: 'record', action: 'record', icon: 'record', label: 'call.record', key: 'E', does: recording('begin') },
  { id: 'record-pause', action: 'pause_recording', icon: 'record-pause', label: 'call.record.pause', key: 'P', pressed: false, does: recording('pause') },
  { id: 'record-pause', action: 'resume_recording', icon: 'record', label: 'call.record.resume', key: 'P', pressed: true, does: recording('resume') },
  { id: 'record', action: 'stop_recording', icon: 'record-stop', label: 'call.record.stop', does: recording('end') },
  { id: 'transfer', action: 'transfer', icon: 'forward', label: 'call.transfer', key: 'T', does: { panel: 'transfer' } },
  { id: 'connect', action: 'complete_transfer', icon: 'join', label: 'consult.connect', key: 'T', apart: true, does: of('complete_transfer') },
  { id: 'abandon', action: 'abandon_consult', icon: 'arrow-back', label: 'consult.abandon', key: 'B', apart: true, does: of('abandon_consult') },
  { id: 'swap', action: 'swap', icon: 'swap', label: 'call.swap', key: 'S', does: of('swap') },
  { id: 'join', action: 'join', icon: 'users', label: 'call.join', key: 'J', does: { command: () => ({ command: 'join', calls: [] }) } },
  { id: 'leave', action: 'leave_conference', icon: 'leave', label: 'conference.leave', key: 'L', apart: true, does: { command: () => ({ command: 'leave_conference' }) } },
  { id: 'grant', action: 'grant', icon: 'check', label: 'ask.grant', key: 'G', apart: true, does: of('grant') },
  { id: 'refuse', action: 'refuse', icon: 'x', label: 'ask.refuse', key: 'X', apart: true, does: of('refuse') },
  { id: 'mobile', action: 'move_to_mobile', icon: 'mobile', label: 'call.mobile', key: 'F', does: of('move_to_mobile') },
  { id: 'help', action: 'help', icon: 'help', label: 'call.help', key: 'N', does: { command: askForHelp } },
];

/** The controls that a call has now. Hanging up is not among them: it has a place of its own. */
export function controlsOf(call: CallView): Control[] {
  return CONTROLS.filter((control) => call.actions.includes(control.action));
}

/** The control for an action, if the call offers it now. */
export function controlOf(call: CallView, action: Action): Control | undefined {
  return controlsOf(call).find((control) => control.action === action);
}

/** The panel that is open in a call, as long as what it is for is offered. */
export function panelOf(call: CallView): PanelName | undefined {
  const name = panel.of(call);
  return controlsOf(call).some(({ does }) => 'panel' in does && does.panel === name) ? name : undefined;
}

export function use(control: Control, call: CallView): void {
  if ('panel' in control.does) panel.toggle(call, control.does.panel);
  else phone.send(control.does.command(call));
}
