// Tests of the page's own logic (numbers, plurals, state), without a browser.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { languages } from './src/i18n/languages.ts';

const root = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root,
  plugins: [languages(), svelte({ configFile: `${root}/svelte.config.js` })],
  test: { include: ['src/**/*.test.ts'] },
});
