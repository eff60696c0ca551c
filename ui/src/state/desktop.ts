// What the desktop around the window hands over: a link's number for the dial field. Nothing here dials.
import { t } from '../i18n/i18n.svelte';
import { phone } from './phone.svelte';
import { screen } from './screen.svelte';
import { toasts } from './toasts.svelte';

export function followDesktop(): () => void {
  return phone.listen((event) => {
    if (event.event !== 'desktop') return;
    const { happened } = event;
    if (happened.desktop === 'fill') void screen.fill(happened.text);
    else if (happened.desktop === 'bad_link') toasts.add({ text: t('desktop.bad_link'), level: 'error' });
  });
}
