#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checks what a machine can keep in order: generated files, formatting, go vet, go.mod. Reports all faults, then fails.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
make=${MAKE:-make}
modules=${MODULES:?the modules that hold code: call make verify}
faults=0
fault() {
	echo "verify: $1" >&2
	faults=$((faults + 1))
}

# The content of every file that is or could be committed. Compared before and after, so that it works beside changes that
# are not committed yet; on a fresh clone it means a clean tree.
content() {
	git ls-files -co --exclude-standard -z | sort -zu | while IFS= read -r -d '' file; do
		if [ -f "$file" ]; then printf '%s %s\n' "$(git hash-object "$file")" "$file"; fi
	done
}

echo "== generated files"
before=$(content)
"$make" --no-print-directory generate
if ! difference=$(diff <(echo "$before") <(content)); then
	fault "generated files were out of date: commit what \`make generate\` changes"
	echo "$difference" | awk '/^[<>]/ {print "  " $3}' | sort -u >&2
fi

echo "== formatting"
mapfile -t files < <(git ls-files -co --exclude-standard '*.go' | while read -r file; do if [ -f "$file" ]; then echo "$file"; fi; done)
if [ ${#files[@]} = 0 ]; then fault "no Go file found"; fi
unformatted=$("$go" tool -modfile=hack/tools/go.mod gofumpt -l "${files[@]}")
if [ -n "$unformatted" ]; then
	fault "these files are not formatted: run \`make fmt\`"
	echo "$unformatted" >&2
fi

echo "== go vet"
for module in $modules; do
	"$go" -C "$module" vet ./... || fault "go vet found faults in module $module"
done

for module in $modules test/cluster test/cluster/runtime test/cluster/cilium test/scale/kwok; do
	echo "== go.mod of $module"
	if ! difference=$("$go" -C "$module" mod tidy -diff); then
		fault "$module/go.mod is not tidy: run go -C $module mod tidy"
		grep -m 20 '^[-+]' <<<"$difference" >&2
	fi
done

echo "== programs that scripts run"
# One in a module of its own is reached with go -C alone, and what calls it may run seldom.
while read -r script program; do
	if [ ! -d "$program" ] || [ -f "$program/go.mod" ]; then fault "$script runs $program, which is no package of the main module"; fi
done < <(awk '!/ -C / && match($0, /(run|build) \.\/[a-z\/-]+/) {split(substr($0, RSTART, RLENGTH), word, " "); print FILENAME, word[2]}' .ci/run Makefile hack/*.sh)

if [ $faults -gt 0 ]; then
	echo "verify: $faults faults" >&2
	exit 1
fi
echo "verify: in order"
