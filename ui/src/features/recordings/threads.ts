// Comments as they are shown.
import type { CommentView } from '../../backend';

/** A comment and the answers to it. */
export interface Thread {
  first: CommentView;
  answers: readonly CommentView[];
}

/** By the moment they are about; an answer whose comment is gone stands alone. */
export function threadsOf(all: readonly CommentView[]): Thread[] {
  const ids = new Set(all.map((comment) => comment.id));
  const isFirst = ({ reply_to }: CommentView) => reply_to === null || !ids.has(reply_to);
  return all.filter(isFirst).map((first) => ({ first, answers: all.filter((comment) => comment.reply_to === first.id) }));
}
