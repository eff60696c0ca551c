// Tasks as they are worked off: kept, put off, done and undone; and what has been reminded of and not been seen to.
import type { Task } from '../backend';
import { t } from '../i18n/i18n.svelte';
import { phone } from './phone.svelte';
import { toasts } from './toasts.svelte';
import { work } from './work.svelte';

class Tasks {
  #reminded = $state.raw<readonly number[]>([]);
  readonly reminders = $derived(work.tasks.filter((task) => this.#reminded.includes(task.id ?? 0)));

  keep(task: Task): void {
    phone.send({ command: 'work', ask: { do: 'keep_task', task: $state.snapshot(task) } });
  }

  putOff(task: Task, due_ms: number): void {
    this.seen(task);
    this.keep({ ...task, due_ms, remind_min: 0 });
  }

  finish(task: Task, told: string): void {
    this.seen(task);
    this.keep({ ...task, done: true });
    toasts.add({ text: told, level: 'info', undo: () => this.keep({ ...task, done: false }) });
  }

  seen(task: Task): void {
    this.#reminded = this.#reminded.filter((id) => id !== task.id);
  }

  remind(task: Task): void {
    if (task.id) this.#reminded = [...this.#reminded.filter((id) => id !== task.id), task.id];
    toasts.add({ text: t('task.reminder', { what: task.name || task.text || task.address || '' }), level: 'info' });
  }
}

export const tasks = new Tasks();
phone.listen((event) => event.event === 'work' && event.told.about === 'remind' && tasks.remind(event.told.task));
