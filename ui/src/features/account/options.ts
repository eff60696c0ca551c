// The form of an account's options: what stands in it, and the options that it makes. Pure.
import type { AccountOptions, DtmfMode, Encryption, FeatureCodes, ForwardRule, IceMode } from '../../backend';
import * as lines from './lines';

export const DTMF: readonly DtmfMode[] = ['auto', 'rtp', 'info', 'in_band'];
export const ENCRYPTION: readonly Encryption[] = ['auto', 'off', 'optional', 'required'];
export const ICE: readonly IceMode[] = ['auto', 'on', 'off'];
export const CODES = [
  'pickup', 'forward_always', 'forward_always_off', 'forward_busy', 'forward_busy_off', 'forward_no_answer', 'forward_no_answer_off',
  'forward_unreachable', 'forward_unreachable_off',
] as const satisfies readonly (keyof FeatureCodes)[];

export interface Form {
  dtmf: DtmfMode;
  encryption: Encryption;
  ice: IceMode;
  stun: string;
  turn: string;
  turn_user: string;
  /** Typed, and never told back: empty keeps the one that is there. */
  turn_password: string;
  trust_identity: boolean;
  intercom: boolean;
  mailbox: string;
  conference_room: string;
  help_to: string;
  mobile: string;
  mobile_rings_too: boolean;
  mobile_after: number;
  name_pattern: string;
  country: string;
  headers: string;
  rewriting: string;
  colleagues: string;
  speed_dials: string;
  emergency: string;
  blocked: string;
  codes: Record<(typeof CODES)[number], string>;
  forwarding: ForwardRule[];
}

export function formOf(options: AccountOptions): Form {
  return {
    dtmf: options.dtmf ?? 'auto',
    encryption: options.encryption ?? 'auto',
    ice: options.ice ?? 'auto',
    stun: options.stun ?? '',
    turn: options.turn ?? '',
    turn_user: options.turn_user ?? '',
    turn_password: '',
    trust_identity: options.trust_identity ?? false,
    intercom: options.intercom ?? false,
    mailbox: options.mailbox ?? '',
    conference_room: options.conference_room ?? '',
    help_to: options.help_to ?? '',
    mobile: options.mobile?.number ?? '',
    mobile_rings_too: options.mobile?.rings_too ?? false,
    mobile_after: options.mobile?.after_s ?? 0,
    name_pattern: options.name_pattern ?? '',
    country: options.country ?? '',
    headers: lines.headersText(options.headers ?? []),
    rewriting: lines.rewritingText(options.rewriting ?? []),
    colleagues: lines.colleaguesText(options.colleagues ?? []),
    speed_dials: lines.speedDialsText(options.speed_dials ?? []),
    emergency: (options.emergency ?? []).join('\n'),
    blocked: (options.blocked ?? []).join('\n'),
    codes: Object.fromEntries(CODES.map((code) => [code, options.codes?.[code] ?? ''])) as Form['codes'],
    forwarding: options.forwarding ?? [],
  };
}

export type ListName = 'headers' | 'rewriting' | 'colleagues' | 'speed_dials' | 'emergency' | 'blocked';
const READERS = {
  headers: lines.headers, rewriting: lines.rewriting, colleagues: lines.colleagues, speed_dials: lines.speedDials, emergency: lines.numbers,
  blocked: lines.numbers,
};

/** The first line of each list that makes no sense. */
export function faultsIn(form: Form): Partial<Record<ListName, number>> {
  const names = Object.keys(READERS) as ListName[];
  return Object.fromEntries(names.map((name) => [name, READERS[name](form[name]).fault]).filter(([, fault]) => fault !== undefined));
}

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

export function optionsOf(form: Form, before: AccountOptions): AccountOptions {
  const emergency = lines.numbers(form.emergency).value;
  return {
    ...before,
    dtmf: form.dtmf,
    encryption: form.encryption,
    ice: form.ice,
    stun: orNull(form.stun),
    turn: orNull(form.turn),
    turn_user: orNull(form.turn_user),
    trust_identity: form.trust_identity,
    intercom: form.intercom,
    mailbox: orNull(form.mailbox),
    conference_room: orNull(form.conference_room),
    help_to: orNull(form.help_to),
    mobile: form.mobile.trim() === '' ? null : { number: form.mobile.trim(), rings_too: form.mobile_rings_too, after_s: form.mobile_after },
    name_pattern: orNull(form.name_pattern),
    country: orNull(form.country.replace(/^\+|^00/, '')),
    headers: lines.headers(form.headers).value,
    rewriting: lines.rewriting(form.rewriting).value,
    colleagues: lines.colleagues(form.colleagues).value,
    speed_dials: lines.speedDials(form.speed_dials).value,
    // None named: the usual ones.
    emergency: emergency.length > 0 ? emergency : null,
    blocked: lines.numbers(form.blocked).value,
    codes: Object.fromEntries(CODES.map((code) => [code, orNull(form.codes[code])])),
    forwarding: form.forwarding,
  };
}
