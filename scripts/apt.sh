# Sourced by the scripts that install what is missing of Debian's packages.

# Runs a command as root: directly, or through sudo where that needs no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs a Debian package without starting the services that it brings: the tests run their
# own, on free ports of loopback and in directories of their own.
apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root true 2>/dev/null || return 1
    echo "Installing the Debian package $1"
    policy=/usr/sbin/policy-rc.d
    made_policy=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        made_policy=yes
    fi
    { as_root apt-get install -y --no-install-recommends "$1" ||
        { as_root apt-get update && as_root apt-get install -y --no-install-recommends "$1"; }
    } >&2 </dev/null
    status=$?
    [ -z "$made_policy" ] || as_root rm -f "$policy"
    return $status
}
