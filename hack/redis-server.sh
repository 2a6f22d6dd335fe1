#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a redis-server for tests in the foreground: hack/redis-server.sh PORT [argument ...]
# It listens on loopback only and keeps nothing. Without redis-server it installs Debian's package, if it may; a test that
# gets no server says so, and fails where CI is set. Exit code 77: there is none and none can be installed.
# GATEHOUSE_REDIS_SERVER names another program that takes the same arguments, such as valkey-server, by its path or as it is found.
set -euo pipefail
port=${1:?usage: hack/redis-server.sh PORT [argument ...]}
shift

server=${GATEHOUSE_REDIS_SERVER:-redis-server}
"$(dirname "$0")/packages.sh" "$server"
exec "$server" --bind 127.0.0.1 --port "$port" --save '' --appendonly no --daemonize no --logfile '' --dir "${TMPDIR:-/tmp}" "$@"
