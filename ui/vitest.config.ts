// Tests of the page's own logic (numbers, plurals, state), without a browser.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  root,
  plugins: [svelte({ configFile: `${root}/svelte.config.js` })],
  test: { include: ['src/**/*.test.ts'] },
});
