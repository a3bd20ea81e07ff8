#!/bin/sh
# Checks licences, bans and sources of the dependencies (deny.toml). Where cargo-deny is not installed, a
# run with CI=true builds it into the target directory, and any other one says how to get it.
set -eu
cd "$(dirname "$0")/.."

version=0.20.2
if ! cargo deny --version >/dev/null 2>&1; then
    if [ "${CI:-}" != true ]; then
        echo "cargo-deny is not installed: licences, bans and sources of dependencies were not checked" \
            "(cargo install --locked cargo-deny@$version)"
        exit 0
    fi
    target=$(cargo metadata --format-version 1 --no-deps --offline |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    tools=$target/tools
    if [ ! -x "$tools/bin/cargo-deny" ]; then
        echo "Building cargo-deny"
        CARGO_TARGET_DIR="$tools/target" cargo install --quiet --locked --debug --root "$tools" "cargo-deny@$version" </dev/null
        rm -rf "$tools/target"
    fi
    PATH=$tools/bin:$PATH
fi
cargo deny --locked check bans licenses sources
