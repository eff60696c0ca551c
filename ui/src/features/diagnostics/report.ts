// What is copied for a helper: states and figures by ids, in English whatever the language of the window, so that every
// helper can read it. No label, number, name of a person or device, or address. Pure.
import type { AccountView, CallView, CheckView, DevicesView, DiagnosticsView, LogLine } from '../../backend';

export interface Known {
  version: string;
  diagnostics: DiagnosticsView | undefined;
  /** The last connection check. */
  check?: CheckView | undefined;
  accounts: readonly AccountView[];
  devices: DevicesView | undefined;
  calls: readonly CallView[];
  /** Unix time in milliseconds. */
  now: number;
}

function registration({ registration: r }: AccountView, now: number): string {
  if (r.state !== 'down') return r.state;
  const again = r.retry_at_ms == null ? 'not tried again by itself' : `tried again in ${Math.max(0, Math.round((r.retry_at_ms - now) / 1000))} s`;
  return `down, ${r.reason.code}, ${again}`;
}

function device(chosen: string | null, there: readonly { id: string }[]): string {
  return chosen === null ? 'default' : there.some((d) => d.id === chosen) ? 'chosen' : 'chosen, not connected';
}

/** The state of a call and its figures; nothing of who is on the line. */
function callLine({ id, account, direction, state, quality }: CallView): string {
  const figures = quality === null ? [] : Object.entries(quality).map(([name, value]) => `${name}=${typeof value === 'number' ? Math.round(value * 1000) / 1000 : value}`);
  return [`call ${id}: account ${account}`, direction, state.state, ...figures].join(' ');
}

export function logLine({ at_ms, level, part, text }: LogLine): string {
  return `${new Date(at_ms ?? 0).toISOString()} ${level} ${part}: ${text}`;
}

/** Codes of what was told; no name of a server. */
function checkLines({ account, steps }: CheckView): string[] {
  return steps.map(({ step, state, text, took_ms }) => `check of account ${account}: ${step} ${state}${text ? `, ${text.code}` : ''}${state === 'passed' && took_ms > 0 ? `, ${took_ms} ms` : ''}`);
}

export function report({ version, diagnostics, check, accounts, devices, calls, now }: Known): string {
  return [
    `Hatif ${version}, ${diagnostics?.system ?? ''}, ${new Date(now).toISOString()}`,
    `codecs: ${diagnostics?.codecs.join(', ') ?? ''}`,
    ...(check ? checkLines(check) : []),
    ...accounts.map((a) => `account ${a.id}: ${a.kind} ${a.transport} ${registration(a, now)}`),
    ...(devices
      ? [
          `microphones: ${devices.microphones.length}, ${device(devices.microphone, devices.microphones)}`,
          `speakers: ${devices.speakers.length}, ${device(devices.speaker, devices.speakers)}; ringers chosen: ${devices.ringers.length}`,
          `sound problem: ${devices.problem?.code ?? 'none'}`,
        ]
      : []),
    ...calls.map(callLine),
    '',
    ...(diagnostics?.log.map(logLine) ?? []),
    '',
  ].join('\n');
}
