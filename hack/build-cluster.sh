#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds one binary of the control plane into bin/cluster and says how it goes.
set -euo pipefail
cd "$(dirname "$0")/.."

components=(etcd kube-apiserver kube-controller-manager kubectl)
name=$1
number=0
for i in "${!components[@]}"; do
	if [ "${components[$i]}" = "$name" ]; then number=$((i + 1)); fi
done
if [ $number = 0 ]; then
	echo "build-cluster: no component $name, only: ${components[*]}" >&2
	exit 2
fi
package=k8s.io/kubernetes/cmd/$name
if [ "$name" = etcd ]; then package=go.etcd.io/etcd/server/v3; fi
label="control plane $number/${#components[@]} $name"
out=$PWD/bin/cluster/$name
mkdir -p bin/cluster

# A build goes to a file of its own and is moved into place, so that a control plane that is running keeps its binary and
# an interrupted build leaves none. Starting from the old binary lets go see that it is up to date.
new=$out.$$.new
ticker=
finish() {
	if [ -n "$ticker" ]; then kill "$ticker" 2>/dev/null || true; fi
	rm -f "$new"
}
trap finish EXIT
trap 'exit 130' INT TERM
if [ -x "$out" ]; then
	cp -p "$out" "$new"
	echo "$label: checking"
else
	echo "$label: building from Go modules (all ${#components[@]}: 8 to 12 minutes on two cores the first time, later seconds)"
fi

SECONDS=0
(
	while sleep 15 <&- >/dev/null 2>&1; do echo "$label: building, $SECONDS s"; done
) &
ticker=$!

cd test/cluster
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
stamp=k8s.io/component-base/version
CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor -X $stamp.gitTreeState=clean" \
	-o "$new" "$package"
touch "$new"
mv "$new" "$out"
echo "$label: ready after $SECONDS s"
