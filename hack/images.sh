#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds every program for Linux and packs each into an OCI archive for all architectures, with what each consists of
# (CycloneDX) and the sums of all files: <out>/<program>.tar, <out>/<program>-<arch>.cdx.json, <out>/SHA256SUMS.
# IMAGE_OUT is the folder, bin/images if empty. The same commit and Go release give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
registry=$1 version=$2 arches=$3 build_flags=$4 link_flags=$5
go=${GO:-go}
out=${IMAGE_OUT:-bin/images}

[ -n "$arches" ] || { echo "images: no architecture" >&2; exit 1; }
mkdir -p "$out" bin
"$go" -C hack/image build -o "$PWD/bin/image" .
"$go" -C hack/sbom build -o "$PWD/bin/sbom" .
rm -f "$out"/*.tar "$out"/*.cdx.json "$out/SHA256SUMS"
built=0
for folder in cmd/*/; do
	name=$(basename "$folder")
	programs=()
	for arch in $arches; do
		program=bin/linux-$arch/$name
		# The build flags are words of their own.
		# shellcheck disable=SC2086
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch "$go" build $build_flags -ldflags "$link_flags" -o "$program" "./cmd/$name"
		bin/sbom -program "$program" -version "$version" -out "$out/$name-$arch.cdx.json"
		programs+=(-program "$arch=$program")
	done
	bin/image "${programs[@]}" -name "$registry/$name" -version "$version" -out "$out/$name.tar"
	echo "$out/$name.tar: $registry/$name:$version for $arches"
	built=$((built + 1))
done
if [ $built = 0 ]; then
	echo "images: no program below cmd" >&2
	exit 1
fi
(cd "$out" && sha256sum -- *.tar *.cdx.json >SHA256SUMS)
