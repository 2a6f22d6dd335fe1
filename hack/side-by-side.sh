#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes groups of targets side by side, each group in its order: hack/side-by-side.sh 'TARGET ...' ['TARGET ...' ...]
# What the first group says is printed as it comes, and of each other one when it has ended. It fails if one of them does.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: hack/side-by-side.sh 'TARGET ...' ..." >&2; exit 2; }

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
set -m # each group is a process group, so that all of it can be ended
groups=("$@") pids=()
# shellcheck disable=SC2086 # targets
one() { exec "${MAKE:-make}" --no-print-directory ${groups[$1]} </dev/null; }
for i in "${!groups[@]}"; do
	if [ "$i" = 0 ]; then one 0 & else one "$i" >"$logs/$i" 2>&1 & fi
	pids+=($!)
done
halt() {
	for pid in "${pids[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
	exit "$1"
}
trap 'halt 130' INT
trap 'halt 143' TERM

failed=0
while [ ${#pids[@]} -gt 0 ]; do
	code=0
	wait -n -p ended "${pids[@]}" || code=$?
	for i in "${!pids[@]}"; do
		if [ "${pids[$i]}" != "$ended" ]; then continue; fi
		if [ "$i" != 0 ]; then cat "$logs/$i"; fi
		if [ $code != 0 ]; then
			failed=1
			echo "FAILED: make ${groups[$i]}" >&2
		fi
		echo "made after $SECONDS s: ${groups[$i]}"
		unset "pids[$i]"
	done
done
exit $failed
