// Where one can go: the entries of the navigation, in their order. A place stands here once it does something; its
// screen is named in Screens.svelte.
import type { IconName } from '../../components/Icon.svelte';
import type { Key } from '../../i18n/i18n.svelte';
import type { ScreenName } from '../../state/screen.svelte';

export interface Place {
  name: ScreenName;
  /** Of its button. */
  id: string;
  icon: IconName;
  label: Key;
  /** Screens that belong to it. */
  holds: readonly ScreenName[];
}

export const PLACES: readonly Place[] = [
  { name: 'home', id: 'nav-home', icon: 'house', label: 'home.title', holds: ['home', 'calls', 'today'] },
  { name: 'history', id: 'nav-history', icon: 'history', label: 'history.title', holds: ['history', 'recordings'] },
  { name: 'colleagues', id: 'nav-colleagues', icon: 'users', label: 'colleagues.nav', holds: ['colleagues'] },
  { name: 'customers', id: 'nav-customers', icon: 'customers', label: 'customers.title', holds: ['customers'] },
  { name: 'settings', id: 'settings', icon: 'settings', label: 'settings.title', holds: ['settings', 'account', 'options'] },
];
