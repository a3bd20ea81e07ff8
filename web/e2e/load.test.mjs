import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { be, browser, LIMIT, place, visitor } from './browser.mjs';
import { demo } from './demo.mjs';

/** The most bytes of the page's files that may cross the wire until lines are seen, headers included. */
const MOST = 250 * 1024;
/** Nobody waits for so long on loopback, whatever else the machine does. */
const LONGEST = 5000;

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

/** Counts what crosses the wire of the page's own files. */
async function counted(context, page) {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  const urls = new Map();
  const files = new Map();
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url));
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const url = urls.get(requestId)?.split(/[?#]/)[0];
    if (url?.startsWith(running.page)) files.set(url, (files.get(url) ?? 0) + encodedDataLength);
  });
  return () => [...files.values()].reduce((all, bytes) => all + bytes, 0);
}

const said = (t, what, bytes, time) => t.diagnostic(`${what}: ${(bytes / 1024).toFixed(1)} KB, ${Math.round(time)} ms`);

test('the_page_is_small_and_quick_from_an_empty_cache', { timeout: LIMIT }, async (t) => {
  const { context, page } = await visitor(t, chromium, running);
  const bytes = await counted(context, page);
  const begun = performance.now();
  await page.goto(running.page + place('logs'));
  await page.getByRole('heading', { name: 'This is a demo: who are you?' }).waitFor();
  const door = performance.now() - begun;
  said(t, 'until one may sign in', bytes(), door);

  const went = performance.now();
  await be(page, 'Victor');
  await page.locator('.list .row').first().waitFor();
  const shown = performance.now() - went;
  // What comes after the first lines counts as well: the chart and the editor.
  await page.locator('.histogram canvas').waitFor();
  await page.locator('.field .cm-content').waitFor();
  await page.waitForLoadState('networkidle');
  said(t, 'until lines, chart and editor are there', bytes(), shown);
  assert.ok(bytes() > 20_000, 'something was counted');
  assert.ok(bytes() < MOST, `${bytes()} bytes`);
  assert.ok(door < LONGEST, `${door} ms until one may sign in`);
  assert.ok(shown < LONGEST, `${shown} ms until there are lines`);
});

test('files_are_compressed_and_kept_for_good', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  const files = [];
  page.on('response', (response) => {
    if (/\/explore\/assets\/|\.(js|css)$/.test(response.url())) files.push(response);
  });
  await page.goto(running.page);
  await page.getByRole('heading', { name: 'This is a demo: who are you?' }).waitFor();
  assert.ok(files.length >= 2);
  for (const file of files) {
    const headers = await file.allHeaders();
    assert.match(headers['cache-control'], /immutable/, file.url());
    assert.match(headers['content-encoding'], /^(br|gzip)$/, file.url());
  }
});

test('the_licences_of_what_is_bundled_are_served', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await page.goto(running.page);
  const file = await page.locator('link[rel="license"]').evaluate(({ href }) => href);
  const answer = await page.request.get(file);
  assert.equal(answer.headers()['content-type'], 'text/plain; charset=utf-8');
  const text = await answer.text();
  for (const name of ['preact', 'uplot', '@codemirror/view']) assert.match(text, new RegExp(`^${name} \\d[\\d.]* \\(MIT\\)$`, 'm'));
});
