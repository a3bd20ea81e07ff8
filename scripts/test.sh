#!/bin/sh
# Runs every test. First installs the counterparts that are missing (PostgreSQL, Prometheus, nginx, the
# OpenID provider, a client of Prometheus in Python, senders in Python, schemathesis); says at the end
# which it could not install. With CI=true a missing counterpart fails the tests that need it,
# elsewhere they pass with a sentence.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/apt.sh
. scripts/python.sh

missing=""
note() { missing="$missing  - $1
"; }

has_postgresql() {
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}
has_prometheus() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null
}

has_postgresql || apt_install postgresql
has_postgresql || note "PostgreSQL (package postgresql): the directory was tested on SQLite alone"

has_prometheus || apt_install prometheus
has_prometheus || note "Prometheus (package prometheus): metrics were tested on the embedded backend alone"

has_nginx() {
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]
}
has_nginx || apt_install nginx
has_nginx || note "nginx (package nginx): two replicas were not tested behind a load balancer"

# The OpenID provider, exactly as its lock file says; again only when that file has changed.
provider=tests/oidc-provider
if ! cmp -s $provider/package-lock.json $provider/node_modules/.installed-lock; then
    if command -v npm >/dev/null; then
        echo "Installing the OpenID provider"
        (cd $provider && npm ci --no-audit --no-fund </dev/null) >&2 &&
            cp $provider/package-lock.json $provider/node_modules/.installed-lock
    fi
fi
[ -e $provider/node_modules/oidc-provider ] && command -v node >/dev/null ||
    note "the npm package oidc-provider (needs node and npm): tokens were tested with keys of our own alone"

# What is written in Python, each in an environment of its own.
wants_python() {
    python_package "$1" || note "the PyPI package $1 (needs python3 with venv, and PyPI): $2"
}
wants_python prometheus-api-client "metrics were not read into data frames"
wants_python loki-logger-handler "no Loki client of others has pushed"
wants_python opentelemetry-sdk "nothing of OpenTelemetry's own has sent over OTLP"
wants_python schemathesis "the OpenAPI document was not held against the running gateway"

[ -n "${KTRLPLANE_TEST_LOKI_URL:-}" ] ||
    note "Loki (name one in KTRLPLANE_TEST_LOKI_URL): logs were tested on the embedded backend alone"

# What real parsers and a real Loki said of thousands of queries: large, and so beside the
# repository and not in it.
corpus=${KTRLPLANE_CORPUS:-../shared/corpus}
[ -e "$corpus/logql-upstream.jsonl" ] && [ -e "$corpus/promql-upstream.jsonl" ] ||
    note "the corpus of queries (name its directory in KTRLPLANE_CORPUS): the parsers were tested on the examples in the repository alone"
golden=${KTRLPLANE_GOLDEN:-../shared/golden}
[ -e "$golden/loki.jsonl" ] ||
    note "the answers of a real Loki (name their directory in KTRLPLANE_GOLDEN): the embedded LogQL was tested on the examples in the repository alone"

promqltest=${KTRLPLANE_PROMQLTEST:-../shared/promqltest}
[ -e "$promqltest/functions.test" ] ||
    note "Prometheus's own PromQL tests (name their directory in KTRLPLANE_PROMQLTEST): the embedded PromQL was tested on the examples in the repository alone"
[ -n "${KTRLPLANE_LOGQLTEST:-}" ] ||
    note "Loki's own LogQL tests (name their directory in KTRLPLANE_LOGQLTEST): none of them was run on the embedded LogQL"

failed=""
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --no-fail-fast </dev/null || failed=yes
    cargo test --locked --workspace --doc --no-fail-fast </dev/null || failed=yes
else
    cargo test --locked --workspace --no-fail-fast </dev/null || failed=yes
fi

if [ -n "$missing" ]; then
    printf '\nNot there, and so not tested with:\n%s' "$missing"
fi
if [ -n "$failed" ]; then
    echo "Some tests failed."
    exit 1
fi
echo "All tests that could run have passed."
