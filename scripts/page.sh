#!/bin/sh
# Builds the Explore page into web/dist, from where the server's build takes it; nothing happens where
# nothing has changed, and without Node.js the server goes without.
set -eu
cd "$(dirname "$0")/../web"
if ! command -v npm >/dev/null 2>&1; then
	echo "Node.js is not installed: the server will say at /explore/ how its page is built" >&2
	exit 0
fi
if [ -f dist/index.html ] && [ -z "$(find src build index.html vite.config.mjs package-lock.json -newer dist/index.html)" ]; then
	exit 0
fi
{ [ -d node_modules ] && [ -z "$(find package-lock.json -newer node_modules)" ]; } || npm ci --no-audit --no-fund || {
	echo "npm could not install what the Explore page is built with: the server goes without a new one" >&2
	exit 0
}
npm run build
