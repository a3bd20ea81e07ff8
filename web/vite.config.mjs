import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { compress } from './build/compress.mjs';
import { licences } from './build/licences.mjs';

// `npm run dev` asks a demo that was started with --page-origin http://localhost:5173.
const demo = process.env.DEMO ?? 'http://127.0.0.1:8080';
const dist = fileURLToPath(new URL('dist', import.meta.url));

export default defineConfig(({ command }) => ({
  // Relative, since a proxy in front of the gateway may put a path before the page's.
  base: command === 'serve' ? '/explore/' : './',
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    // Data URLs are not allowed by the page's Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  plugins: [licences(dist), compress(dist)],
  server: {
    host: 'localhost',
    port: 5173,
    strictPort: true,
    proxy: { '^/(api/|explore/config.json)': demo },
  },
}));
