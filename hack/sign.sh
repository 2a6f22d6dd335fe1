#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Signs the checksums of a release with an SSH key, which may be in an agent or on a security key, and verifies what it
# wrote. It needs no network. docs/release.md says how others verify it.
set -euo pipefail
cd "$(dirname "$0")/.."
key=$1
[ -n "$key" ] || { echo "usage: make sign KEY=FILE, the private key, or the public one of a key in the agent" >&2; exit 2; }
sums=bin/release/checksums.txt
[ -f "$sums" ] || { echo "$sums is not there: make release first" >&2; exit 1; }

(cd bin/release && sha256sum --quiet --check checksums.txt) # what is signed is what is there
rm -f "$sums.sig"
ssh-keygen -Y sign -n gatehouse-release -f "$key" "$sums"
ssh-keygen -Y check-novalidate -n gatehouse-release -s "$sums.sig" <"$sums"
