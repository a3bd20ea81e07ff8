#!/bin/sh
# Checks the Explore page: its types, what it computes, its build, and a browser that goes through all
# of it on a demo. Installs Chromium where it is missing and may; without Node.js nothing of this is
# done, which is a failure with CI=true and elsewhere a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/apt.sh

not_checked() {
    echo "The Explore page was not $1: $2"
    [ "${CI:-}" = true ] && exit 1
    exit 0
}

major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
[ "${major:-0}" -ge 20 ] && command -v npm >/dev/null ||
    not_checked checked "it needs Node.js 20 or later with npm"

cd web || exit 1
if ! cmp -s package-lock.json node_modules/.installed-lock; then
    npm ci --no-audit --no-fund </dev/null && cp package-lock.json node_modules/.installed-lock || exit 1
fi
# The build checks the types first.
npm run build </dev/null && npm test </dev/null || exit 1

if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then
    apt_install chromium || not_checked "driven in a browser" \
        "it needs Chromium (package chromium, or name one in CHROMIUM)"
fi
(cd .. && cargo build --locked --package ktrlplane) && npm run e2e </dev/null
