// Leaves what was built ready to be embedded: old files gone, and each file beside its gzip and
// brotli where that is shorter.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** @param {string} dist */
export function compress(dist) {
  return {
    name: 'compress',
    apply: 'build',
    buildStart() {
      // All but .gitignore, which keeps the directory there for the server's build to watch.
      for (const name of existsSync(dist) ? readdirSync(dist) : []) {
        if (name !== '.gitignore') rmSync(join(dist, name), { recursive: true });
      }
    },
    closeBundle() {
      const folder = join(dist, 'assets');
      const files = readdirSync(folder).map((name) => join(folder, name));
      for (const file of [join(dist, 'index.html'), ...files]) {
        const plain = readFileSync(file);
        const smaller = {
          gz: gzipSync(plain, { level: 9 }),
          br: brotliCompressSync(plain, {
            params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
          }),
        };
        for (const [ending, bytes] of Object.entries(smaller)) {
          if (bytes.length < plain.length) writeFileSync(`${file}.${ending}`, bytes);
        }
      }
    },
  };
}
