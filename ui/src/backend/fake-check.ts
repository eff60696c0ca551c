// The connection check of the fake backend: an account that is down ends at its connection.
import type { AccountView, CheckStepView, CheckView } from './bindings';

/** What is told of it, one after another. */
export function checks(account: AccountView): CheckView[] {
  const { registration } = account;
  const down = registration.state === 'down' ? registration.reason : null;
  const names: CheckStepView['step'][] = account.transport === 'tls' ? ['name', 'connect', 'tls', 'registration', 'stun', 'turn'] : ['name', 'connect', 'registration', 'stun', 'turn'];
  const waiting = names.map((step): CheckStepView => ({ step, state: 'waiting', text: null, took_ms: 0 }));
  const ended = waiting.map((view): CheckStepView => {
    if (down === null || view.step === 'name') return { ...view, state: 'passed', took_ms: 12 };
    if (view.step === 'tls') return { ...view, state: 'left_out' };
    return { ...view, state: 'failed', text: view.step === 'stun' || view.step === 'turn' ? { code: `check.${view.step}_silent`, params: {} } : down };
  });
  const told = [0, 1, names.length].map((n) => ({ account: account.id, steps: [...ended.slice(0, n), ...waiting.slice(n)], done: n === names.length }));
  return told;
}
