// A browser, and visitors whose every request, error and violation is watched.

import assert from 'node:assert/strict';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

/** How long anything may take to come; only what is broken waits for so long. */
const PATIENCE = 20_000;
/** How long a test may take, in milliseconds; a page that hangs answers no question at all. */
export const LIMIT = 90_000;

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Chromium's path: CHROMIUM, or found on PATH. */
function program() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (!found) throw new Error('there is no Chromium: install the package chromium, or name one in CHROMIUM');
  return found;
}

export const browser = () =>
  chromium.launch({
    executablePath: program(),
    // Chromium's sandbox does not work for root, whom CI often is; what is opened is our own page alone.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });

/**
 * Somebody who looks at the page, in a context of their own. Whatever went wrong unseen fails the test at its
 * end: an error in the console, a violation of the Content-Security-Policy, a request to elsewhere.
 * `refused` is the status with which somebody is meant to be refused, which browsers write into the console; `watched` is false where
 * a test looks at what the watch has seen itself.
 */
export async function visitor(t, browser, demo, { refused, watched = true, ...options } = {}) {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const requests = [];
  const wrong = [];
  const known = new Set([new URL(demo.url).origin, new URL(demo.issuer).origin]);
  context.on('request', (request) => {
    const url = new URL(request.url());
    requests.push(request);
    // A download is a blob of the page's own.
    if (url.protocol !== 'blob:' && !known.has(url.origin)) wrong.push(`a request left for ${url.origin}`);
  });
  context.on('console', (message) => {
    const isRefusal = refused !== undefined && message.text().includes(`the server responded with a status of ${refused} `);
    if (['error', 'warning'].includes(message.type()) && !isRefusal) wrong.push(message.text());
  });
  context.on('weberror', (error) => wrong.push(String(error.error())));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`the policy ${violatedDirective} was violated by ${blockedURI}`);
    });
  });
  const page = await context.newPage();
  t.after(async () => {
    await context.close();
    if (watched) assert.deepEqual(wrong, []);
  });
  return { context, page, requests, wrong };
}

/** Goes to a place of the page and becomes one of the demo's users there. */
export async function signIn(page, demo, name, fragment = '') {
  await page.goto(demo.page + fragment);
  await be(page, name);
}

/** Chooses who to be among the demo's users. */
export async function be(page, name) {
  await page.getByRole('listitem').getByRole('button', { name }).click();
  await page.locator('header.top').waitFor();
}

/** The place of a resource's view. */
export function place(view, more = {}) {
  return `#/${view}?${new URLSearchParams({ project: 'acme-shop', resource: 'shop-api', ...more })}`;
}

/** The page's fragment, taken apart. */
export function where(page) {
  const [view, search] = new URL(page.url()).hash.slice(2).split('?');
  return { view, ...Object.fromEntries(new URLSearchParams(search)) };
}

/** The texts of the log lines that are drawn. */
export const lines = (page) => page.locator('.list .row .text').allTextContents();
