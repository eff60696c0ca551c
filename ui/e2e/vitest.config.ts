// Tests of the whole page in Chromium, on the fake backend.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    include: ['*.test.mjs'],
    globalSetup: ['./site.mjs'],
    // One browser at a time: two cores are shared with everything else. Waits are for events; this is only the end of patience.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
