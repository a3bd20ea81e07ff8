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

test('a_viewer_learns_why_they_see_a_resource_and_not_who_else_does', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('access'));
  await page.getByText(/because of a role that you hold on the project acme-shop/).waitFor();
  await page.getByText('That is what Viewer may.').waitFor();
  await page.getByText('Who else may is shown to those who manage access here.').waitFor();
  assert.equal(await page.getByRole('table').count(), 0);
});

test('an_owner_gives_a_role_and_takes_it_back', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Alice', place('access'));
  const table = page.getByRole('table');
  await page.getByText(/because you are Owner of the organization/).waitFor();
  await table.getByText('inherited').first().waitFor();
  await page.getByLabel('To', { exact: true }).fill('demo|mallory');
  await page.getByRole('button', { name: 'Give', exact: true }).click();
  await page.getByText(/is now Viewer of the project acme-shop/).waitFor();
  const row = table.getByRole('row').filter({ hasText: /mallory/i });
  await row.waitFor();

  // It is in force: mallory sees lines now.
  const other = await visitor(t, chromium, running, { refused: 403 });
  await signIn(other.page, running, 'Mallory', place('logs'));
  await other.page.locator('.list .row').first().waitFor();

  await row.getByRole('button', { name: /^Withdraw/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText(/is no longer Viewer/).waitFor();
  await row.waitFor({ state: 'detached' });
  await other.page.getByRole('button', { name: 'Run' }).click();
  await other.page.getByRole('heading', { name: 'You may not read this' }).waitFor();
  assert.equal(await other.page.locator('.list .row').count(), 0);
});

test('on_a_telephone_who_else_may_is_read_without_scrolling_sideways', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { viewport: { width: 360, height: 740 } });
  await signIn(page, running, 'Alice', place('access'));
  const table = page.getByRole('table');
  await table.getByText('inherited').first().waitFor();
  for (const box of [page.locator('main'), page.getByRole('region', { name: /^Roles that reach/ })]) {
    assert.equal(await box.evaluate(({ scrollWidth, clientWidth }) => Math.max(0, scrollWidth - clientWidth)), 0);
  }
  // It is a table to who listens, whatever it looks like.
  assert.ok(await table.getByRole('rowheader').count() >= 3);
  assert.equal(await table.getByRole('columnheader').count(), 5);
});
