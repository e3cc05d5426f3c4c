#!/bin/sh
# Makes .venv with a Python that is new enough and installs kasmcore in it, editable.
# Usage: make-environment.sh EXTRAS   (EXTRAS: empty, or such as [test,check])
set -eu

new_enough() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$name"
            return
        fi
    done
}

if [ ! -x .venv/bin/python ]; then
    python=$(new_enough)
    if [ -z "$python" ]; then
        tools/install-packages.sh python3.13-venv/python3.12-venv/python3.11-venv || true
        python=$(new_enough)
    fi
    if [ -z "$python" ]; then
        echo "kasmcore needs Python 3.11 or newer; none was found. Install it (python3.11)." >&2
        exit 1
    fi
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "$python cannot make a virtual environment. Install python3-venv." >&2
        exit 1
    fi
fi
echo "Installing Python packages into .venv …"
if ! .venv/bin/python -m pip install -q --disable-pip-version-check -e ".$1"; then
    echo "The Python packages could not be installed; pip says why above." >&2
    exit 1
fi
