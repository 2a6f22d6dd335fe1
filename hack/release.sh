#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the programs for every system of a release and packs them: bin/release. The command line is for people's own
# machines too, the others run in clusters.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 targets=$2 build_flags=$3 link_flags=$4
go=${GO:-go}
out=bin/release
build=bin/release-programs

rm -rf "$out" "$build"
"$go" -C hack/sbom build -o "$PWD/bin/sbom" .
for target in $targets; do
	os=${target%/*} arch=${target#*/}
	suffix=
	programs=gatehouse
	case $os in
	linux) programs=$(cd cmd && echo *) ;;
	windows) suffix=.exe ;;
	esac
	for program in $programs; do
		echo "building $program for $target" >&2
		# The build flags are words of their own.
		# shellcheck disable=SC2086
		CGO_ENABLED=0 GOOS=$os GOARCH=$arch "$go" build $build_flags -ldflags "$link_flags" -o "$build/$os-$arch/$program$suffix" "./cmd/$program"
		bin/sbom -program "$build/$os-$arch/$program$suffix" -version "$version" -out "$build/$os-$arch/$program$suffix.cdx.json"
	done
done
"$go" run ./hack/release -version "$version" -build "$build" -out "$out" -time "$(git log -1 --format=%ct)"
rm -rf "$build"
echo "$out: $(wc -l <"$out/checksums.txt") files and their checksums; sign them with: make sign KEY=FILE"
