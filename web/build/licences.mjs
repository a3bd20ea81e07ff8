// The licences of all that is bundled, as a file beside it to which the page links (`rel="license"`). A
// licence that is not known to be permissive fails the build.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PERMISSIVE = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);
const HOME = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;
/** What the tools add of their own, which has no file. */
const TOOLS = /^\0?(vite|rolldown)\b/;

/**
 * The directory of the package that a module is of; undefined for our own.
 * @param {string} id
 */
function packageOf(id) {
  const tool = TOOLS.exec(id)?.[1];
  if (tool) return join(HOME, 'node_modules', tool);
  return PACKAGE.exec(id.replace(/^\0/, ''))?.[1];
}

/**
 * What a package says of itself, with the text of its licence.
 * @param {string} folder
 */
export function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (!PERMISSIVE.has(license)) throw new Error(`${name} ${version} is under ${license ?? 'no licence'}, which is not known to be permissive`);
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort();
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  // Packages under Apache-2.0 need not bring its text, which is our own licence's as well.
  if (!texts.length && license === 'Apache-2.0') texts.push(readFileSync(join(HOME, '../LICENSE'), 'utf8').trim());
  if (!texts.length) throw new Error(`${name} ${version} brings no text of its licence`);
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
}

/** @param {string} dist */
export function licences(dist) {
  const folders = new Set();
  return {
    name: 'licences',
    apply: 'build',
    /** @param {{ id: string }} module */
    moduleParsed({ id }) {
      const folder = packageOf(id);
      if (folder) folders.add(folder);
    },
    writeBundle() {
      const notices = [...folders].filter((folder) => existsSync(join(folder, 'package.json'))).map(notice).sort();
      if (!notices.length) throw new Error('no package was found to be bundled');
      const rule = `\n\n${'='.repeat(80)}\n\n`;
      const text = `What others wrote of the Explore page, and under which licences.${rule}${notices.join(rule)}\n`;
      const name = `licences-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.txt`;
      writeFileSync(join(dist, 'assets', name), text);
      const index = join(dist, 'index.html');
      const link = `    <link rel="license" type="text/plain" href="./assets/${name}">\n  </head>`;
      writeFileSync(index, readFileSync(index, 'utf8').replace(/ *<\/head>/, link));
    },
  };
}
