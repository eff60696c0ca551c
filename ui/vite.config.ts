// How the window's page is built and served. The page is all that `tauri.conf.json` embeds: no request leaves it.
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** The policy of `tauri.conf.json`, so that `vite preview` and the Chromium tests run under it too. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self' ipc: http://ipc.localhost",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export default defineConfig({
  root,
  base: './',
  plugins: [svelte({ configFile: `${root}/svelte.config.js` })],
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
