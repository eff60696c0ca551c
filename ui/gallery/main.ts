// The components by themselves: `npm run ui:gallery`, then `?lang=ar&theme=dark&contrast=more`. Not part of the window.
import { mount } from 'svelte';
import { useLanguage } from '../src/i18n/i18n.svelte';
import Gallery from './Gallery.svelte';

const query = new URLSearchParams(location.search);
await useLanguage(query.get('lang') ?? 'en', {});
Object.assign(document.documentElement.dataset, {
  theme: query.get('theme') ?? 'light', contrast: query.get('contrast') ?? 'usual', motion: 'none',
});
const target = document.querySelector('#app');
if (target !== null) mount(Gallery, { target });
