#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds every program for Linux and packs each into an OCI archive: bin/images/<program>-<arch>.tar.
set -euo pipefail
cd "$(dirname "$0")/.."
registry=$1 version=$2 arch=$3 build_flags=$4 link_flags=$5
go=${GO:-go}

built=0
for folder in cmd/*/; do
	name=$(basename "$folder")
	program=bin/linux-$arch/$name
	# The build flags are words of their own.
	# shellcheck disable=SC2086
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch "$go" build $build_flags -ldflags "$link_flags" -o "$program" "./cmd/$name"
	"$go" run ./hack/image -program "$program" -name "$registry/$name" -version "$version" -arch "$arch" -out "bin/images/$name-$arch.tar"
	echo "bin/images/$name-$arch.tar: $registry/$name:$version"
	built=$((built + 1))
done
if [ $built = 0 ]; then
	echo "images: no program below cmd" >&2
	exit 1
fi
