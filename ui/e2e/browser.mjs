// Chromium with the built page in it, served by `vite preview` under the window's own content security policy.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const EXECUTABLE = process.env.HATIF_CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--force-color-profile=srgb',
];

/**
 * Opens the browser. `page()` gives the page of a scenario, waiting until it is drawn; whatever the page complains
 * about (an exception, a breach of the policy, a request that leaves it) is collected in `page.complaints`.
 */
export async function open() {
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
  const server = await preview({ configFile, preview: { port: 0, open: false }, logLevel: 'silent' });
  const origin = server.resolvedUrls?.local[0] ?? '';
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });

  async function page({ scenario = 'first-run', lang = 'en', theme = 'light', width = 420, height = 720, pace = 0.05, context: more = {} } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, locale: 'en-GB', timezoneId: 'Asia/Dubai', reducedMotion: 'reduce', ...more });
    const page = await context.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
    page.on('request', (request) => !request.url().startsWith(origin) && complaints.push(`request to ${request.url()}`));
    const query = new URLSearchParams({ scenario, lang, theme, pace: String(pace) });
    await page.goto(`${origin}?${query}`);
    await page.waitForSelector('main, .shell');
    await page.evaluate(() => document.fonts.ready);
    return Object.assign(page, { complaints, close: () => context.close() });
  }

  return {
    page,
    close: async () => {
      await browser.close();
      await new Promise((done) => server.httpServer.close(done));
    },
  };
}
