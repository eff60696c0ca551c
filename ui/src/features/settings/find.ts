// Settings by what is typed, in any spelling: by what they are called, then by what is said of them. Pure.
import { fold, query } from '../../state/search';

export interface Entry<T> {
  of: T;
  label: string;
  /** Words beside the label that find it too. */
  more: readonly string[];
}

/** Those of the entries that all typed words lead to; the ones whose label holds the words come first. */
export function find<T>(entries: readonly Entry<T>[], typed: string): T[] {
  const { words } = query(typed);
  if (words.length === 0) return [];
  const holds = (text: string) => words.every((word) => text.includes(word));
  const byLabel = entries.filter((entry) => holds(fold(entry.label)));
  const byMore = entries.filter((entry) => !byLabel.includes(entry) && holds(fold([entry.label, ...entry.more].join(' '))));
  return [...byLabel, ...byMore].map((entry) => entry.of);
}
