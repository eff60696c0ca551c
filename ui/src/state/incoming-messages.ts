// A message that comes in is told once, wherever one is.
import { t } from '../i18n/i18n.svelte';
import { phone } from './phone.svelte';
import { toasts } from './toasts.svelte';

export function tellMessages(): () => void {
  return phone.listen((event) => {
    if (event.event !== 'messages_changed') return;
    const last = event.messages.at(-1);
    if (last?.direction !== 'incoming' || phone.messages.some((m) => m.id === last.id)) return;
    toasts.add({ text: t('messages.from', { who: last.peer.name ?? last.peer.address, text: last.text }), level: 'info' });
  });
}
