// Tasks as they are worked off: kept, put off, done and undone; and what has been reminded of and not been seen to.
import type { CallView, Task } from '../backend';
import { t } from '../i18n/i18n.svelte';
import { dialled, shown } from './number';
import { phone } from './phone.svelte';
import { place } from './place';
import { toasts } from './toasts.svelte';
import { work } from './work.svelte';

/** What a list calls it. */
export const titleOf = (task: Task): string => shown(task.name || task.text || task.address || '');

class Tasks {
  /** The callback that was called last, and its call once that is there. */
  #calling: { task: Task; call?: number } | undefined;
  #reminded = $state.raw<readonly number[]>([]);
  readonly reminders = $derived(work.tasks.filter((task) => this.#reminded.includes(task.id ?? 0)));

  keep(task: Task): void {
    phone.send({ command: 'work', ask: { do: 'keep_task', task: $state.snapshot(task) } });
  }

  putOff(task: Task, due_ms: number): void {
    this.seen(task);
    this.keep({ ...task, due_ms, remind_min: 0 });
  }

  finish(task: Task): void {
    this.seen(task);
    this.keep({ ...task, done: true });
    toasts.add({ text: t('task.finished', { what: titleOf(task) }), level: 'info', undo: () => this.keep({ ...task, done: false }) });
  }

  /** Calls back. Once they have answered, that is done. */
  call(task: Task): void {
    this.seen(task);
    this.#calling = { task };
    place(task.address ?? '');
  }

  follow(call: CallView): void {
    const back = this.#calling;
    if (back === undefined) return;
    const fresh = call.direction === 'outgoing' && phone.call(call.id) === undefined;
    if (back.call === undefined && fresh && dialled(call.peer.address) === dialled(back.task.address ?? '')) back.call = call.id;
    if (back.call !== call.id || call.state.state !== 'ended') return;
    this.#calling = undefined;
    const open = work.tasks.find((task) => task.id === back.task.id);
    if (open && call.state.outcome === 'answered') this.finish(open);
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
phone.listen((event) => event.event === 'call_changed' && tasks.follow(event.call));
phone.listen((event) => event.event === 'work' && event.told.about === 'remind' && tasks.remind(event.told.task));
