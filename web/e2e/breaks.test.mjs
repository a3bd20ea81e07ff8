// What is seen while something does not answer.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, LIMIT, place, signIn, visitor } from './browser.mjs';
import { demo } from './demo.mjs';

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

const rows = (page) => page.locator('.list .row');
const down = (route) => route.fulfill({ status: 502, headers: { 'x-request-id': 'r-1' }, json: { error: 'the backend cannot be reached (request r-1)' } });
const LOGS = /\/resources\/shop-api\/(logs\?|loki\/)/;

test('a_refresh_that_fails_keeps_the_lines_and_says_since_when', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 502 });
  await signIn(page, running, 'Victor', place('logs'));
  await rows(page).first().waitFor();
  await page.locator('.histogram canvas').waitFor();
  await page.route(LOGS, down);
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByText(/^No answer since \d\d:\d\d:\d\d: the backend is down$/).waitFor();
  assert.ok(await rows(page).count() > 5);
  assert.equal(await page.locator('.histogram canvas').count(), 1);
  assert.equal(await page.getByRole('alert').count(), 0);
  await page.unroute(LOGS);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText(/^No answer since/).waitFor({ state: 'detached' });
  await rows(page).first().waitFor();
});

test('another_query_that_fails_shows_no_lines_and_names_its_request_once', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 502 });
  await page.route('**/explore/config.json', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), contact: 'the platform team' } });
  });
  await signIn(page, running, 'Victor', place('logs'));
  await rows(page).first().waitFor();
  await page.route(LOGS, down);
  await page.evaluate(() => (location.hash += '&q=' + encodeURIComponent('{level="info"}')));
  const problem = page.getByRole('alert');
  await problem.getByRole('heading', { name: 'The backend is down' }).waitFor();
  await problem.getByText('If it stays so, tell the platform team.').waitFor();
  assert.equal((await problem.textContent()).split('r-1').length, 2);
  assert.equal(await rows(page).count(), 0);
  assert.ok(await page.getByRole('button', { name: 'Run' }).isVisible());
});

test('a_role_that_is_withdrawn_takes_the_lines_along', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 403 });
  await signIn(page, running, 'Victor', place('logs'));
  await rows(page).first().waitFor();
  await page.route(LOGS, (route) => route.fulfill({ status: 403, json: { error: 'no' } }));
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('heading', { name: 'You may not read this' }).waitFor();
  assert.equal(await rows(page).count(), 0);
  assert.equal(await page.locator('.histogram').count(), 0);
  assert.equal(await page.getByRole('toolbar').count(), 0);
});

test('a_refresh_waits_for_the_answer_before_it', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await page.clock.install();
  await signIn(page, running, 'Victor', place('logs', { refresh: '5' }));
  await rows(page).first().waitFor();
  await page.waitForLoadState('networkidle');
  const held = [];
  let holds = true;
  await page.route(LOGS, (route) => (holds ? void held.push(route) : route.continue()));
  await page.clock.runFor(5000);
  await page.waitForFunction(() => document.querySelector('.results.loading'));
  const { length } = held;
  await page.clock.runFor(30_000);
  assert.equal(held.length, length, 'nothing more was asked');
  holds = false;
  await Promise.all(held.map((route) => route.continue()));
  await page.waitForFunction(() => document.querySelector('.results.ready') && !document.querySelector('.histogram.loading'));
  const asked = page.waitForRequest(LOGS);
  await page.clock.runFor(6000);
  await asked;
});

test('a_chart_that_is_not_answered_again_stays', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 502 });
  await signIn(page, running, 'Victor', place('metrics', { m: 'cpu_usage_percent' }));
  await page.locator('.legend td').first().waitFor();
  await page.route(/\/metrics\/query_range/, down);
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.getByText(/^No answer since \d\d:\d\d:\d\d: the backend is down$/).waitFor();
  assert.ok(await page.locator('.legend td').count() >= 3);
  await page.unroute(/\/metrics\/query_range/);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText(/^No answer since/).waitFor({ state: 'detached' });
});

test('a_tail_that_is_cut_off_says_so_at_once_and_keeps_its_lines', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 502 });
  let asked = 0;
  // It tells one line and ends; whoever asks again is told that nothing is there.
  await page.route(/\/logs\/tail/, (route) => {
    asked += 1;
    if (asked > 1) return down(route);
    const stream = (ns, text) => `data: ${JSON.stringify({ streams: [{ stream: { app: 'a' }, values: [[ns, text]] }] })}\n\n`;
    return route.fulfill({ contentType: 'text/event-stream', body: stream('1769868000000000005', 'said second') + stream('1769868000000000003', 'said late') + stream('1769868000000000009', 'said last') });
  });
  await signIn(page, running, 'Victor', place('logs', { live: '1' }));
  await page.getByRole('toolbar').getByText('Reconnecting …', { exact: true }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.list .row').length === 3);
  assert.deepEqual(await page.locator('.list .row .text').allTextContents(), ['said last', 'said second', 'said late']);
  // After some attempts it is left to who looks at it.
  await page.getByText(/^No answer since \d\d:\d\d:\d\d: the backend is down$/).waitFor({ timeout: 60_000 });
  assert.equal(await rows(page).count(), 3);
  await page.unroute(/\/logs\/tail/);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('toolbar').getByText('Live', { exact: true }).waitFor();
});
