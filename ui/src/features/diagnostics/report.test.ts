import { expect, it } from 'vitest';
import { diagnostics, scenarios } from '../../backend/scenarios';
import { report } from './report';

const NOW = Date.UTC(2026, 10, 22);

it('says what a helper asks for', () => {
  const { accounts, devices, calls } = scenarios['active']!;
  const text = report({ version: '0.1.0', diagnostics, accounts, devices, calls, now: NOW });
  for (const part of ['Hatif 0.1.0, linux x86_64, 2026-11-22T00:00:00.000Z', 'codecs: opus, G722, PCMA, PCMU', 'account 2: registrar tls up', 'ringers chosen: 1', 'mos=4.3', 'warning hatif_audio::slot: sound device lost'])
    expect(text).toContain(part);
});

it('says when it is tried again, and that a device is gone', () => {
  const { accounts, devices } = scenarios['device-gone']!;
  const down = { state: 'down', reason: { code: 'wire.no_network', params: { host: 'pbx.example' } }, retry: true, retry_at_ms: NOW + 12_400 } as const;
  const text = report({ version: '1', diagnostics: undefined, accounts: [{ ...accounts[1]!, registration: down }], devices, calls: [], now: NOW });
  expect(text).toContain('down, wire.no_network, tried again in 12 s');
  expect(text).toContain('microphones: 2, chosen, not connected');
});

it('tells of nobody', () => {
  for (const [name, { accounts, devices, calls }] of Object.entries(scenarios)) {
    const text = report({ version: '1', diagnostics, accounts, devices, calls, now: NOW });
    const private_ = [
      ...accounts.flatMap((a) => [a.label, a.address, a.config?.domain, a.config?.user]),
      ...calls.flatMap((c) => [c.peer.name, c.peer.address, c.queue, c.customer, c.dialled, c.account_label]),
      ...[...devices.microphones, ...devices.speakers].map((d) => d.name),
    ];
    for (const word of private_) if (word && word.length > 3) expect(text, name).not.toContain(word);
  }
});
