#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target of the repository for the given time, one after another, and fails if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
time=${1:-20s}

mapfile -t folders < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz' | xargs -r -n1 dirname | sort -u)
ran=0
failed=()
for folder in "${folders[@]}"; do
	listed=$("$go" -C "$folder" test -list '^Fuzz' .) || { echo "$listed" >&2; exit 1; }
	for target in $(awk '/^Fuzz/' <<<"$listed"); do
		echo "fuzz $folder $target for $time"
		"$go" -C "$folder" test -run '^$' -fuzz "^$target\$" -fuzztime "$time" . || failed+=("$folder $target")
		ran=$((ran + 1))
	done
done
if [ $ran = 0 ]; then
	echo "fuzz: no fuzz target found" >&2
	exit 1
fi
echo "fuzz: $ran targets ran, ${#failed[@]} failed"
if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
