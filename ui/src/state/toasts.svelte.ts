// Short messages at the foot of the window: refusals, and deletions that can still be undone.
import { refused } from './refusals';
import { message, t } from '../i18n/i18n.svelte';

export interface Toast {
  id: number;
  text: string;
  level: 'info' | 'error';
  undo?: () => void;
}

/** How long a deletion can be undone, and how long a message stays. */
export const TOAST_MS = 8000;
const AT_MOST = 3;

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 1;

  add(toast: Omit<Toast, 'id'>): number {
    const id = this.#next++;
    this.list = [...this.list.filter((t) => t.text !== toast.text), { ...toast, id }].slice(-AT_MOST);
    setTimeout(() => this.remove(id), TOAST_MS);
    return id;
  }

  remove(id: number): void {
    this.list = this.list.filter((t) => t.id !== id);
  }
}

export const toasts = new Toasts();
refused.undelivered = () => void toasts.add({ text: t('message.not_delivered'), level: 'error' });
refused.fallback = (text) => void toasts.add({ text: message(text), level: 'error' });
