#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the images of this commit in a clone elsewhere, with an empty build cache, and compares their sums with those of
# bin/images: hack/reproduce.sh REGISTRY VERSION ARCHES.
set -euo pipefail
cd "$(dirname "$0")/.."
registry=$1 version=$2 arches=$3
if [ -n "$(git status --porcelain)" ]; then
	echo "reproduce: commit first, a clone has no other changes" >&2
	exit 1
fi
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
trap 'exit 130' INT TERM
git clone -q --no-hardlinks . "$there/elsewhere"
GOCACHE=$there/cache "${MAKE:-make}" --no-print-directory -C "$there/elsewhere" images IMAGE_REGISTRY="$registry" VERSION="$version" IMAGE_ARCH="$arches"
if ! diff bin/images/SHA256SUMS "$there/elsewhere/bin/images/SHA256SUMS"; then
	echo "reproduce: the images differ" >&2
	exit 1
fi
echo "reproduce: all $(wc -l <bin/images/SHA256SUMS) files are the same"
