#!/bin/sh
# Fuzzes what reads a caller's bytes: every target for SECONDS (1,200 if not said), two at a time.
# Those that read queries share one corpus; those that read what is written (ingest_*) have seeds of
# their own, one of each form of a batch.
#
#   scripts/fuzz.sh [SECONDS [TARGET…]]   run, starting from the committed corpus
#   scripts/fuzz.sh keep                  make the committed corpus anew from it and what the runs
#                                         have found: as few short inputs as cover the same code
#
# A finding ends the script with an error and leaves its input in fuzz/artifacts; it becomes a line
# of crates/query/tests/data, or a seed, once its cause is mended.
set -eu
cd "$(dirname "$0")/../fuzz"

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "cargo-fuzz is missing: cargo install --locked cargo-fuzz" >&2
    exit 1
fi
targets=$(cargo fuzz list)
programs="${CARGO_TARGET_DIR:-target}/$(rustc --print host-tuple)/release"
# The sanitizer's flags are unstable, and nothing else that these targets use is.
export RUSTC_BOOTSTRAP=1

# Every query of the parsers' tests is an input to start from.
seeds() {
    mkdir -p found/seeds
    for data in ../crates/query/tests/data/*.txt; do
        awk -v name="found/seeds/$(basename "$data" .txt)" \
            '!/^(#|!!|=>)/ && NF { sub(/  (=>|!!)  .*/, ""); file = name "-" NR; printf "%s", $0 > file; close(file) }' \
            "$data"
    done
}

one() {
    target=$1 seconds=$2
    mkdir -p corpus "found/$target" "artifacts/$target"
    log="found/$target.log"
    case $target in
    # A batch may take 1 MiB once it is decoded, and a few copies of that.
    ingest_*) set -- -max_len=4096 -rss_limit_mb=512 -malloc_limit_mb=64 "found/$target" "seeds/$target" ;;
    *) set -- -dict=queries.dict -max_len=600 -rss_limit_mb=2048 "found/$target" corpus found/seeds ;;
    esac
    if "$programs/$target" -timeout=5 -max_total_time="$seconds" -print_final_stats=1 \
        -artifact_prefix="artifacts/$target/" "$@" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "$target: $runs inputs in $seconds s, no finding"
    else
        tail -n 40 "$log" >&2
        echo "$target: a finding, see above and fuzz/artifacts/$target" >&2
        return 1
    fi
}

seeds
if [ "${1:-}" = keep ]; then
    cargo fuzz build
    # This one parses, prints and scopes in both languages: its code is that of all the others.
    target=every_selector_is_scoped
    rm -rf found/kept found/short
    mkdir -p corpus found/kept found/short
    # Names are hashes, so that the first of them are a fair sample. All would take hours.
    find found corpus -type f -size -64c ! -name '*.log' ! -path 'found/short/*' ! -path 'found/ingest_*' \
        -printf '%f %p\n' |
        sort -u -k 1,1 | head -n 500 | cut -d ' ' -f 2 | xargs cp -t found/short
    "$programs/$target" -set_cover_merge=1 found/kept found/short >found/keep.log 2>&1
    rm -rf corpus found/short
    mv found/kept corpus
    echo "$(find corpus -type f | wc -l) inputs kept"
    exit
fi

seconds=${1:-1200}
case $seconds in
'' | *[!0-9]*)
    echo "SECONDS must be a whole number, and is $seconds" >&2
    exit 1
    ;;
esac
[ $# -gt 0 ] && shift
[ $# -gt 0 ] && targets=$*
cargo fuzz build
echo "Fuzzing for $seconds s each, two at a time: $(echo "$targets" | tr '\n' ' ')"
failed=""
# shellcheck disable=SC2086 # names of targets have no spaces
set -- $targets
while [ $# -gt 0 ]; do
    one "$1" "$seconds" &
    first=$! second=""
    if [ $# -gt 1 ]; then
        one "$2" "$seconds" &
        second=$!
        shift
    fi
    shift
    wait "$first" || failed=yes
    [ -z "$second" ] || wait "$second" || failed=yes
done
[ -z "$failed" ]
