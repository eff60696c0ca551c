// How what is told of the agent's work changes what the window shows. Pure.
import type { WorkEvent, WorkView } from '../backend';

export function reduceWork(view: WorkView | undefined, told: WorkEvent): WorkView {
  const before = view ?? { wrap_ups: [], tasks: [] };
  switch (told.about) {
    case 'wrap_up_changed': {
      const { entry } = told.wrap_up.wrap_up;
      const at = before.wrap_ups.findIndex((other) => other.wrap_up.entry === entry);
      return { ...before, wrap_ups: at < 0 ? [...before.wrap_ups, told.wrap_up] : before.wrap_ups.with(at, told.wrap_up) };
    }
    case 'wrap_up_gone':
      return { ...before, wrap_ups: before.wrap_ups.filter((other) => other.wrap_up.entry !== told.entry) };
    case 'tasks_changed':
      return { ...before, tasks: told.tasks };
    default:
      return before;
  }
}
