// A demo of one's own: a free port, a fresh directory, and nothing left of it at the end.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The binary of the last build, or the one that KTRLPLANE_BINARY names. */
function binary() {
  if (process.env.KTRLPLANE_BINARY) return process.env.KTRLPLANE_BINARY;
  const asked = ['metadata', '--format-version', '1', '--no-deps', '--offline'];
  const metadata = execFileSync('cargo', asked, { cwd: ROOT, maxBuffer: 2 ** 26, encoding: 'utf8' });
  return join(JSON.parse(metadata).target_directory, 'debug/ktrlplane');
}

/** Starts a demo; it is there when this returns, with an hour of data. */
export async function demo() {
  const program = binary();
  if (!existsSync(program)) throw new Error(`${program} is not there: cargo build --package ktrlplane`);
  const directory = mkdtempSync(join(tmpdir(), 'explore-e2e-'));
  const child = spawn(program, ['demo', '--listen', '127.0.0.1:0', '--data-dir', directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const kill = () => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', kill);
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) process.once(signal, () => process.exit(code));
  let said = '';
  child.stderr.on('data', (bytes) => (said += bytes));
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
    process.removeListener('exit', kill);
    rmSync(directory, { recursive: true });
  };
  // The first line of its guide is printed when all is there.
  const told = once(createInterface(child.stdout), 'line');
  const isThere = await Promise.race([told.then(() => true), ended.then(() => false)]);
  if (!isThere) {
    rmSync(directory, { recursive: true });
    throw new Error(`the demo did not start: ${said}`);
  }
  const { url, issuer, users } = JSON.parse(readFileSync(join(directory, 'demo.json'), 'utf8'));

  /** Asks the API as a script does, as one of the demo's users. */
  const api = (user, path, options = {}) =>
    fetch(`${url}/api/v1/${path}`, {
      ...options,
      headers: { ...options.headers, Authorization: `Bearer ${users[user].token}` },
    });
  /** Logs a line now, as who may write. */
  const log = async (text) => {
    const values = [[`${Date.now()}000000`, text]];
    const body = JSON.stringify({ streams: [{ stream: { app: 'by-hand', level: 'info' }, values }] });
    const answer = await api('erin', 'projects/acme-shop/resources/shop-api/loki/api/v1/push', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    if (!answer.ok) throw new Error(`the line was not taken: ${answer.status} ${await answer.text()}`);
  };
  return { url, issuer, page: `${url}/explore/`, api, log, stop };
}
