// Several customers as one. Pure.
import type { Customer } from '../../backend';

/** One customer of several: what the first has stays, what it lacks comes from the others; lists and notes of all. */
export function joined(all: readonly Customer[]): Customer {
  const first = all[0] ?? {};
  const line = (field: 'name' | 'company' | 'reference' | 'owner') => all.map((one) => one[field] ?? '').find((text) => text !== '') ?? '';
  const list = (field: 'numbers' | 'emails' | 'tags') => [...new Set(all.flatMap((one) => one[field] ?? []))];
  const notes = [...new Set(all.map((one) => one.notes ?? '').filter((text) => text !== ''))].join('\n\n');
  return {
    id: first.id ?? 0, name: line('name'), company: line('company'), reference: line('reference'), owner: line('owner'), numbers: list('numbers'), emails: list('emails'),
    tags: list('tags'), stage: all.map((one) => one.stage ?? null).find((stage) => stage !== null) ?? null, notes,
  };
}
