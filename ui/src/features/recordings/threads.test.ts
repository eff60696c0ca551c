import { expect, test } from 'vitest';
import type { CommentView } from '../../backend';
import { threadsOf } from './threads';

const comment = (id: number, reply_to: number | null = null): CommentView => ({ id, at_ms: 0, reply_to, text: 'x', made_ms: 0 });

test('answers stand with what they answer; one whose comment is gone stands alone', () => {
  const threads = threadsOf([comment(1), comment(2), comment(3, 1), comment(4, 1), comment(5, 9)]);
  expect(threads.map(({ first, answers }) => [first.id, answers.map(({ id }) => id)])).toEqual([[1, [3, 4]], [2, []], [5, []]]);
});
