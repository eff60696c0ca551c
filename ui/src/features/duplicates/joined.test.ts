import { expect, it } from 'vitest';
import { joined } from './joined';

it('a merged customer keeps what each of them had', () => {
  const one = { id: 3, name: 'Sara', company: '', numbers: ['1', '2'], emails: [], tags: ['VIP'], notes: 'early', stage: null, owner: '', reference: '' };
  const two = { id: 5, name: 'S. Ahmadi', company: 'Parsian', numbers: ['2', '3'], emails: ['s@x'], tags: ['VIP', 'new'], notes: 'late', stage: 'lead' as const, owner: 'Layla', reference: '4711' };
  expect(joined([one, two])).toEqual({
    id: 3, name: 'Sara', company: 'Parsian', numbers: ['1', '2', '3'], emails: ['s@x'], tags: ['VIP', 'new'], notes: 'early\n\nlate', stage: 'lead', owner: 'Layla', reference: '4711',
  });
  expect(joined([two, one])).toMatchObject({ id: 5, name: 'S. Ahmadi', notes: 'late\n\nearly' });
});
