import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { be, browser, LIMIT, lines, place, signIn, visitor } from './browser.mjs';
import { demo } from './demo.mjs';

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

/** What the issuer gives to a page, as it comes. */
function given(page) {
  const secrets = [];
  page.on('response', (response) => {
    if (!response.ok() || response.request().method() !== 'POST' || !response.url().startsWith(running.issuer)) return;
    secrets.push(response.json().then(({ access_token, id_token, refresh_token }) => [access_token, id_token, refresh_token]));
  });
  return async () => (await Promise.all(secrets)).flat().filter(Boolean);
}

/** Everything in which a browser could keep something. */
async function kept(context, page) {
  const stored = await page.evaluate(async () => ({
    local: JSON.stringify(localStorage),
    session: JSON.stringify(sessionStorage),
    databases: JSON.stringify(await indexedDB.databases()),
    caches: JSON.stringify(await caches.keys()),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
    history: JSON.stringify(history.state),
    window: window.name,
    page: location.href,
    document: document.documentElement.outerHTML,
  }));
  return { ...stored, cookies: JSON.stringify(await context.cookies()) };
}

test('tokens_are_in_memory_alone', { timeout: LIMIT }, async (t) => {
  const { context, page, requests } = await visitor(t, chromium, running);
  const secrets = given(page);
  await signIn(page, running, 'Victor', place('logs'));
  await page.locator('.list .row').first().waitFor();
  const tokens = await secrets();
  assert.equal(tokens.length, 3, 'an access token, an id token and a refresh token');
  const all = await kept(context, page);
  assert.deepEqual([all.databases, all.caches, all.workers], ['[]', '[]', 0]);
  for (const token of tokens) {
    // A part of it would do: what follows the second dot is what nobody else can make.
    const part = token.split('.').at(-1);
    for (const [where, text] of Object.entries(all)) assert.ok(!String(text).includes(part), `a token is in ${where}`);
    for (const request of requests) assert.ok(!request.url().includes(part), `a token is in ${request.url().split('?')[0]}`);
  }
  assert.doesNotMatch(all.page, /[?&](code|state)=/, 'what the issuer answered is out of the URL');
  assert.equal(new URL(all.page).search, '');
  // The same after a reload, which asks the issuer and not the user.
  await page.reload();
  await page.locator('.list .row').first().waitFor();
  const later = await kept(context, page);
  const [anew] = (await secrets()).slice(3);
  assert.ok(anew, 'the page was given a token anew');
  for (const [where, text] of Object.entries(later)) assert.ok(!String(text).includes(anew.split('.').at(-1)), `a token is in ${where}`);
});

test('whoever_follows_a_link_signs_in_and_sees_the_same', { timeout: LIMIT }, async (t) => {
  const { context, page } = await visitor(t, chromium, running);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: running.url });
  const to = Date.now() - 300_000;
  await signIn(page, running, 'Victor', place('logs', { q: '{level=~"warn|error"}', from: String(to - 1_200_000), to: String(to), zone: 'utc' }));
  await page.locator('.list .row').first().waitFor();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());

  const other = await visitor(t, chromium, running);
  await other.page.goto(link);
  await other.page.getByText('Sign in to see shop-api of acme-shop.').waitFor();
  assert.equal(await other.page.locator('.list').count(), 0);
  await be(other.page, 'Erin');
  await other.page.locator('.list .row').first().waitFor();
  assert.equal(other.page.url(), link);
  assert.deepEqual(await lines(other.page), await lines(page));
  const count = (page) => page.locator('.tools .count b').textContent();
  assert.equal(await count(other.page), await count(page));
});

test('a_link_of_a_range_that_moves_is_copied_fixed_in_time', { timeout: LIMIT }, async (t) => {
  const { context, page } = await visitor(t, chromium, running);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: running.url });
  await signIn(page, running, 'Victor', place('logs'));
  await page.locator('.list .row').first().waitFor();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const { from, to } = Object.fromEntries(new URLSearchParams(link.split('?').at(-1)));
  assert.equal(Number(to) - Number(from), 3_600_000);
});

test('mallory_is_refused_in_words_and_gets_no_line', { timeout: LIMIT }, async (t) => {
  const query = new URLSearchParams({ limit: '1000' });
  const { data } = await (await running.api('victor', `projects/acme-shop/resources/shop-api/logs?${query}`)).json();
  const texts = data.result.flatMap(({ values }) => values.map(([, text]) => text));
  assert.ok(texts.length > 100);

  const { page } = await visitor(t, chromium, running, { refused: 403 });
  const answers = [];
  page.on('response', (response) => answers.push(response));
  await signIn(page, running, 'Mallory', place('logs'));
  const problem = page.getByRole('alert');
  await problem.getByRole('heading', { name: 'You may not read this' }).waitFor();
  assert.match(await problem.textContent(), /Ask an Owner of acme-shop or of its organization for a role that may read/);
  for (const view of ['metrics', 'access', 'logs']) {
    await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: view }).click();
    const said = { access: page.getByText(/no role of yours lets you read/), metrics: problem, logs: problem };
    await said[view].first().waitFor();
  }
  await page.evaluate(() => (location.hash += '&live=1'));
  await problem.getByRole('heading', { name: 'You may not read this' }).waitFor();

  const asked = answers.filter((answer) => answer.url().includes('/resources/shop-api/'));
  assert.ok(asked.length >= 4);
  const told = await Promise.all(answers.filter((answer) => answer.url().includes('/api/')).map((answer) => answer.text()));
  const shown = await page.evaluate(() => document.documentElement.outerHTML);
  for (const text of [...told, shown]) {
    for (const line of texts) assert.ok(!text.includes(line), 'a line of the resource is on the page');
  }
  for (const answer of asked) {
    const isOwn = answer.url().endsWith('/permissions') || answer.url().includes('/me');
    assert.ok(answer.status() === 403 || isOwn, `${answer.status()} for ${new URL(answer.url()).pathname}`);
  }
});

test('who_holds_no_role_is_told_whom_to_ask', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Mallory');
  await page.getByRole('heading', { name: 'Nothing to see yet' }).waitFor();
  await page.getByText(/hold no role on any project/).waitFor();
  await page.getByText(/Ask an Owner of the project or organization/).waitFor();
});

test('signing_out_ends_the_session_here_and_at_the_issuer', { timeout: LIMIT }, async (t) => {
  const { context, page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs', { q: '{level="info"}' }));
  await page.locator('.list .row').first().waitFor();
  await page.getByRole('button', { name: 'Account of Victor' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'This is a demo: who are you?' }).waitFor();
  assert.equal(await page.locator('.list').count(), 0);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  assert.deepEqual(await context.cookies(), []);
  // Nor does going back show what was there.
  await page.goto(running.page + place('logs'));
  await page.reload();
  await page.getByText('Sign in to see shop-api of acme-shop.').waitFor();
});

test('who_signs_out_leaves_every_tab', { timeout: LIMIT }, async (t) => {
  const { context, page, requests } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  await page.locator('.list .row').first().waitFor();
  const other = await context.newPage();
  await signIn(other, running, 'Victor', place('logs'));
  await other.locator('.list .row').first().waitFor();
  await page.getByRole('button', { name: 'Account of Victor' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'This is a demo: who are you?' }).waitFor();
  await other.getByText('You signed out in another tab.').waitFor();
  assert.equal(await other.locator('.list').count(), 0);
  assert.ok(requests.some((request) => request.url() === `${running.issuer}/revoke`));
});

test('a_renewal_that_brings_somebody_else_is_told', { timeout: LIMIT }, async (t) => {
  const { context, page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  await page.locator('.list .row').first().waitFor();
  const other = await context.newPage();
  await signIn(other, running, 'Erin', place('logs'));
  await other.locator('.list .row').first().waitFor();
  await page.reload();
  await page.getByText(/Somebody else has signed in at the identity provider in this browser: Erin/).waitFor();
  assert.equal(await page.locator('.list').count(), 0);
});

test('a_link_with_an_answer_that_nobody_asked_for_ends_no_session', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  await page.locator('.list .row').first().waitFor();
  await page.goto(`${running.page}?code=x&state=y${place('logs')}`);
  await page.locator('.list .row').first().waitFor();
  await page.getByRole('button', { name: 'Account of Victor' }).waitFor();
  assert.equal(new URL(page.url()).search, '');
});

test('what_the_policy_forbids_does_not_happen_and_is_seen', { timeout: LIMIT }, async (t) => {
  const { page, wrong } = await visitor(t, chromium, running, { watched: false });
  await page.goto(running.page);
  await page.getByRole('heading', { name: 'Explore' }).waitFor();
  const said = (text) => page.waitForEvent('console', (message) => message.text().includes(text));
  const styled = said('style-src-elem was violated');
  await page.evaluate(() => document.head.append(Object.assign(document.createElement('style'), { textContent: 'h1 { opacity: 0 }' })));
  await styled;
  assert.equal(await page.locator('h1').evaluate((element) => getComputedStyle(element).opacity), '1');
  const asked = said('connect-src was violated');
  assert.equal(await page.evaluate(() => fetch('http://127.0.0.2:9/').then(() => 'asked', () => 'refused')), 'refused');
  await asked;
  assert.ok(wrong.length >= 2);
});
