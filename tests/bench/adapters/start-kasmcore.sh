#!/bin/sh
# A bare Xvfb, open to all on this machine, and kasmcore showing it. Stays until it is ended; what
# started it ends the Xvfb.
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
state=$root/bench-results/state
mkdir -p "$state"
Xvfb :41 -screen 0 1920x1080x24 -nolisten tcp -ac -noreset &
for _ in $(seq 100); do
    [ -S /tmp/.X11-unix/X41 ] && break
    sleep 0.1
done
exec "$root/.venv/bin/kasmcore" run --config "$root/tests/bench/adapters/kasmcore-bench.yaml" \
    --set "server.state_directory=$state" --attach :41
