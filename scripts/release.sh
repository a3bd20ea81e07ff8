#!/bin/sh
# Builds what a release consists of into OUT (target/dist): an archive with a static, stripped binary, its
# manual and completions and the licences of all that is in it; the bill of materials; and checksums of
# both. The same commit gives the same bytes with the same toolchains (docs/releasing.md).
#
# TARGET names another target than this machine's with musl, or where the toolchain lacks that, with
# glibc linked statically.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)

say() { echo "release: $*" >&2; }
fail() { say "$*"; exit 1; }

command -v npm >/dev/null || fail "Node.js with npm is needed: a release has the Explore page in it"
commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || fail "a release is built of a git checkout"
# A file that git does not know of counts: cargo runs a build.rs, and the page takes what is in public/.
if [ -n "$(git status --porcelain)" ]; then
    [ "${DIRTY:-}" = 1 ] || fail "there are changes that are not committed, or files that git does not know of (git status); DIRTY=1 builds all the same, and says so"
    commit="$commit-dirty"
fi

machine=$(uname -m)
has_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; }
if [ -z "${TARGET:-}" ]; then
    TARGET=$machine-unknown-linux-musl
    { has_target "$TARGET" && { command -v musl-gcc >/dev/null || [ -n "${CC:-}" ]; }; } ||
        TARGET=$machine-unknown-linux-gnu
fi
has_target "$TARGET" || fail "the toolchain has no $TARGET: rustup target add $TARGET"
case $TARGET in
    *-musl) command -v musl-gcc >/dev/null || [ -n "${CC:-}" ] || fail "musl-gcc is needed (package musl-tools)" ;;
    *) say "building for $TARGET: glibc is linked statically; names are looked up by hosts and DNS alone" ;;
esac

say "the Explore page"
(cd web && { cmp -s package-lock.json node_modules/.installed-lock ||
    { npm ci --no-audit --no-fund </dev/null && cp package-lock.json node_modules/.installed-lock; }; } >&2 &&
    npm run build </dev/null >&2)

say "the binary, for $TARGET at $commit"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
# No path of this machine is in the binary, of Rust or of C.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$root=/src --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
CFLAGS="-ffile-prefix-map=$root=/src -ffile-prefix-map=$cargo_home=/cargo ${CFLAGS:-}"
KTRLPLANE_COMMIT=$commit
CARGO_PROFILE_RELEASE_STRIP=symbols
export SOURCE_DATE_EPOCH RUSTFLAGS CFLAGS KTRLPLANE_COMMIT CARGO_PROFILE_RELEASE_STRIP
cargo build --locked --release --package ktrlplane --target "$TARGET"
built=$(cargo metadata --format-version 1 --no-deps --offline |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
binary=$built/$TARGET/release/ktrlplane

# A static binary asks for no loader.
python3 - "$binary" <<'CHECK' || fail "the binary is not static"
import struct, sys
head = open(sys.argv[1], "rb").read()
offset, = struct.unpack_from("<Q", head, 32)
size, count = struct.unpack_from("<HH", head, 54)
kinds = [struct.unpack_from("<I", head, offset + at * size)[0] for at in range(count)]
sys.exit(3 in kinds)
CHECK
"$binary" --version | grep -q "^commit $commit$" || fail "the binary does not know its commit"
if grep -aqF -e "$root/" -e "$cargo_home/" "$binary"; then
    fail "a path of this machine is in the binary"
fi

out=${OUT:-$built/dist}
version=$("$binary" -V | cut -d' ' -f2)
name=ktrlplane-$version-$TARGET
say "$out/$name.tar.gz"
rm -rf "$out"
mkdir -p "$out/$name/completions"
cp "$binary" LICENSE README.md CHANGELOG.md "$out/$name/"
"$binary" man --dir "$out/$name/man/man1"
for shell in bash zsh fish; do
    "$binary" completions "$shell" >"$out/$name/completions/ktrlplane.$shell"
done
python3 scripts/sbom.py --target "$TARGET" --output "$out/$name.cdx.json"
cp "$out/$name.cdx.json" "$out/$name/"
python3 scripts/notices.py --target "$TARGET" --output "$out/$name/THIRD-PARTY-NOTICES.txt"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    -C "$out" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
rm -r "${out:?}/$name"
(cd "$out" && sha256sum "$name.tar.gz" "$name.cdx.json" >SHA256SUMS && cat SHA256SUMS)
