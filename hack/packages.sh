#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sees to it that programs which tests need are there: hack/packages.sh PROGRAM[=PACKAGE] ...
# Those that are missing are installed as Debian's packages, if that may be done. None of them starts a server of its own.
# Exit code 77: one is missing and cannot be installed. A test says so then, and fails where CI is set.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: hack/packages.sh PROGRAM[=PACKAGE] ..." >&2; exit 2; }

absent() {
	for program in "$@"; do
		command -v "${program%%=*}" >/dev/null || echo "${program#*=}"
	done
}

wanted=$(absent "$@")
[ -n "$wanted" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
	echo "missing: install" $wanted "(Debian: apt-get install" $wanted")" >&2
	exit 77
fi
# Several tests may find out at once.
exec 9>/tmp/gatehouse-packages.lock
flock 9
wanted=$(absent "$@")
[ -n "$wanted" ] || exit 0
# shellcheck disable=SC2086 # names of packages
{ apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $wanted; } >&2 || exit 77
