#!/bin/sh
# Installs the Debian or Ubuntu packages named, as far as they are missing. Quick when none is.
# Alternatives are written a|b: the first that is known to apt is taken.
# Exit status: 0 all there, 1 something could not be installed (it says what).
set -u

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=""
for entry in "$@"; do
    found=no
    for package in $(echo "$entry" | tr '|' ' '); do
        if installed "$package"; then found=yes; break; fi
    done
    [ $found = yes ] || missing="$missing $entry"
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
$as_root apt-get update -qq || echo "apt-get update failed; trying with the lists that are there" >&2
failed=""
wanted=""
for entry in $missing; do
    chosen=""
    for package in $(echo "$entry" | tr '|' ' '); do
        if apt-cache show "$package" >/dev/null 2>&1; then chosen=$package; break; fi
    done
    if [ -n "$chosen" ]; then wanted="$wanted $chosen"; else failed="$failed $entry"; fi
done
if [ -n "$wanted" ]; then
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $wanted >/dev/null || failed="$failed $wanted"
fi
if [ -n "$failed" ]; then
    echo "Could not be installed:$failed" >&2
    exit 1
fi
