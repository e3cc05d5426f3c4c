#!/bin/sh
# Installs the Debian or Ubuntu packages named, as far as they are missing. Quick when none is.
# Alternatives are written a/b: the first that apt knows is taken.
# Exit status: 0 all there, 1 something could not be installed (it says what).
set -u

LOCK_WAIT_S=120

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

alternatives() { echo "$1" | tr '/' ' '; }

any_installed() {
    for package in $(alternatives "$1"); do installed "$package" && return 0; done
    return 1
}

known_one() {
    for package in $(alternatives "$1"); do
        if apt-cache show "$package" >/dev/null 2>&1; then echo "$package"; return; fi
    done
}

install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o "DPkg::Lock::Timeout=$LOCK_WAIT_S" "$@" >/dev/null
}

missing=""
for entry in "$@"; do
    any_installed "$entry" || missing="$missing $entry"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "These packages are missing, and there is no apt-get to install them:$missing" >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "These packages are missing:$missing" >&2
        echo "Install them as root, or install sudo, then try again." >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "Installing:$missing"
$as_root apt-get update -qq -o "DPkg::Lock::Timeout=$LOCK_WAIT_S" ||
    echo "apt-get update failed; trying with the lists that are there" >&2
wanted=""
failed=""
for entry in $missing; do
    chosen=$(known_one "$entry")
    if [ -n "$chosen" ]; then wanted="$wanted $chosen"; else failed="$failed $entry"; fi
done
# shellcheck disable=SC2086 # a list of names
if [ -n "$wanted" ] && ! install $wanted; then
    for package in $wanted; do  # one that fails must not keep out the others
        install "$package" || failed="$failed $package"
    done
fi
if [ -n "$failed" ]; then
    echo "Could not be installed:$failed" >&2
    exit 1
fi
