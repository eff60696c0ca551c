// Chromium with the built page in it, served by `vite preview` under the window's own content security policy.
import { chromium } from 'playwright-core';
import { preview } from 'vite';
import { configFile, site } from './site.mjs';

const EXECUTABLE = process.env.HATIF_CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--force-color-profile=srgb',
];

/** A desktop has a mouse that can hover. Playwright says so too, but a second `--blink-settings` replaces its own. */
const MOUSE = 'primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4';

/**
 * Opens the browser; `textSize` is the size of text that its user has chosen (px). `page()` gives the page of a
 * scenario, drawn, in a tab that the next call takes over; whatever the page complains about (an exception, a breach of
 * the policy, a request that leaves it) is collected in `page.complaints`. `script` runs before the page's own. `folder`
 * holds another page than the one that was built for the tests.
 */
export async function open({ textSize = 16, folder: built } = {}) {
  const kept = built ?? process.env.HATIF_PAGE;
  const { folder, remove } = kept ? { folder: kept, remove: () => {} } : await site();
  const server = await preview({ configFile, build: { outDir: folder }, preview: { port: 0, open: false }, logLevel: 'silent' });
  const origin = server.resolvedUrls?.local[0] ?? '';
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: [...ARGS, `--blink-settings=${MOUSE},defaultFontSize=${textSize}`] });

  // One tab for each kind of view, used again: a new one would load and compile everything anew.
  const tabs = new Map();

  async function tab(view, script) {
    const kind = JSON.stringify(view) + String(script);
    const kept = tabs.get(kind);
    if (kept) return kept;
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Asia/Dubai', reducedMotion: 'reduce', ...view });
    const page = await context.newPage();
    page.complaints = [];
    await page.addInitScript(() => localStorage.clear());
    if (script) await page.addInitScript(script);
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('console', (line) => line.type() === 'error' && page.complaints.push(line.text()));
    page.on('request', (request) => !request.url().startsWith(origin) && page.complaints.push(`request to ${request.url()}`));
    tabs.set(kind, page);
    return page;
  }

  async function page({ scenario = 'first-run', lang = 'en', theme = 'light', width = 420, height = 720, pace = 0.05, script, ...view } = {}) {
    const page = await tab({ viewport: { width, height }, ...view }, script);
    const query = new URLSearchParams({ scenario, lang, theme, pace: String(pace) });
    page.complaints.length = 0;
    await page.mouse.move(0, 0);
    await page.goto(`${origin}?${query}`);
    // A host of the test's own may leave it starting.
    await page.waitForSelector(script ? 'main, [role=status]' : 'main');
    await page.evaluate(() => document.fonts.ready);
    return page;
  }

  /** The page of the components, high enough to show all of them. */
  async function gallery(query) {
    const page = await tab({ viewport: { width: 1100, height: 3000 } });
    await page.goto(`${origin}gallery/?${query}`);
    await page.waitForSelector('main');
    await page.evaluate(() => document.fonts.ready);
    return page;
  }

  return {
    page,
    gallery,
    close: async () => {
      await browser.close();
      await new Promise((done) => server.httpServer.close(done));
      await remove();
    },
  };
}
