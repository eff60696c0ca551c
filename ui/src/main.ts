import { mount } from 'svelte';
import App from './App.svelte';
import { connect } from './backend';
import { phone } from './state/phone.svelte';

void phone.connect(connect()).finally(() => document.querySelector('#splash')?.remove());
const target = document.querySelector('#app');
if (target !== null) mount(App, { target });
