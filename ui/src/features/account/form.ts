// The account form's logic: what was typed made into an account, and what is wrong with it, by field. Pure.
import type { NewAccount, Text, Transport } from '../../backend';

/** What stands in the fields. */
export interface Typed {
  domain: string;
  user: string;
  password: string;
  label: string;
  display_name: string;
  transport: Transport;
  registrar: string;
  proxy: string;
  auth_user: string;
  ca_file: string;
  expires: string;
  direct: boolean;
  local_port: string;
}

export type FieldName = keyof Typed;
/** Why a field cannot stay as it is: a key of the catalogue under `account.error`. */
export type Fault = 'required' | 'host' | 'number';
export type Faults = Partial<Record<FieldName, Fault>>;

export const EXPIRES = { min: 30, max: 86_400 };
export const PORT = { min: 1, max: 65_535 };

/** Fields that are folded away under "Advanced". */
export const ADVANCED: readonly FieldName[] = [
  'label', 'display_name', 'transport', 'registrar', 'proxy', 'auth_user', 'ca_file', 'expires', 'direct', 'local_port',
];

export function typedFrom(config: NewAccount | null | undefined): Typed {
  return {
    domain: config?.domain ?? '',
    user: config?.user ?? '',
    password: '',
    label: config?.label ?? '',
    display_name: config?.display_name ?? '',
    transport: config?.transport ?? 'udp',
    registrar: config?.registrar ?? '',
    proxy: config?.proxy ?? '',
    auth_user: config?.auth_user ?? '',
    ca_file: config?.ca_file ?? '',
    expires: config?.expires == null ? '' : String(config.expires),
    direct: config?.kind === 'direct',
    local_port: config?.local_port == null ? '' : String(config.local_port),
  };
}

/** host, host:port, IPv4, [IPv6] or [IPv6]:port. Whether it exists is found out by trying. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?)(?::(\d{1,5}))?$/iu;

function isHost(text: string): boolean {
  const match = HOST.exec(text);
  return match !== null && (match[1] === undefined || within(match[1], PORT));
}

function within(text: string, { min, max }: { min: number; max: number }): boolean {
  return /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max;
}

/** What is wrong with the fields before anything is sent. */
export function faultsIn(typed: Typed): Faults {
  const faults: Faults = {};
  const domain = host(typed.domain);
  if (domain === '') {
    if (!typed.direct) faults.domain = 'required';
  } else if (!isHost(domain)) faults.domain = 'host';
  if (typed.user.trim() === '') faults.user = 'required';
  if (typed.registrar.trim() && !isHost(host(typed.registrar))) faults.registrar = 'host';
  if (typed.proxy.trim() && !isHost(host(typed.proxy))) faults.proxy = 'host';
  if (typed.expires.trim() && !within(typed.expires.trim(), EXPIRES)) faults.expires = 'number';
  if (typed.direct && typed.local_port.trim() && !within(typed.local_port.trim(), PORT)) faults.local_port = 'number';
  return faults;
}

/** An address as people paste it: without a scheme, a path, spaces. */
function host(text: string): string {
  return text.trim().replace(/^(?:sips?:|https?:\/\/)/i, '').replace(/\/.*$/, '');
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim();
}

/** The account as it is sent. The user may be pasted as `1001@pbx.example`: the part behind the @ is dropped. */
export function accountFrom(typed: Typed): NewAccount {
  return {
    label: typed.label.trim(),
    kind: typed.direct ? 'direct' : 'registrar',
    user: userOf(typed.user),
    domain: host(typed.domain) || '127.0.0.1',
    password: typed.password === '' ? null : typed.password,
    display_name: orNull(typed.display_name),
    auth_user: orNull(typed.auth_user),
    registrar: orNull(host(typed.registrar)),
    proxy: orNull(host(typed.proxy)),
    transport: typed.transport,
    ca_file: orNull(typed.ca_file),
    expires: typed.expires.trim() === '' ? null : Number(typed.expires),
    local_port: typed.direct && typed.local_port.trim() !== '' ? Number(typed.local_port) : null,
  };
}

function userOf(text: string): string {
  return text.trim().replace(/^sips?:/i, '').replace(/^([^@]+)@.*$/, '$1');
}

/** The field that a refusal or a failed sign-in is about, so that the words stand beside it. */
export function fieldOf(text: Text): FieldName | undefined {
  if (text.code === 'command.bad_account') {
    const field = text.params['field'];
    return field !== undefined && Object.hasOwn(typedFrom(null), field) ? (field as FieldName) : undefined;
  }
  const fields: Record<string, FieldName> = {
    'reg.unauthorized': 'password',
    'reg.forbidden': 'user',
    'reg.not_found': 'user',
    'reg.timed_out': 'domain',
    'wire.host_unknown': 'domain',
    'wire.refused': 'domain',
    'wire.timed_out': 'domain',
    'wire.port_in_use': 'local_port',
    'tls.unknown_ca': 'ca_file',
    'tls.wrong_name': 'domain',
  };
  return fields[text.code];
}
