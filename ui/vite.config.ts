// How the window's page is built and served. The page is all that `tauri.conf.json` embeds: no request leaves it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { languages } from './src/i18n/languages.ts';

const root = fileURLToPath(new URL('.', import.meta.url));

/** The policy of the window, so that `vite preview` and the Chromium tests run under it too. */
const { csp } = JSON.parse(readFileSync(new URL('../tauri.conf.json', import.meta.url), 'utf8')).app.security;
const contentSecurityPolicy = Object.entries(csp)
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join('; ');

export default defineConfig({
  root,
  base: './',
  plugins: [languages(), svelte({ configFile: `${root}/svelte.config.js` })],
  server: { port: 1420, strictPort: true, host: '127.0.0.1' },
  preview: { host: '127.0.0.1', headers: { 'Content-Security-Policy': contentSecurityPolicy } },
  // Nothing is inlined: the policy allows neither `data:` fonts nor inline styles.
  build: {
    outDir: `${root}/dist`,
    emptyOutDir: true,
    target: ['es2022', 'safari16'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
