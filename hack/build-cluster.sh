#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds one program of the control plane or of the node and says how it goes: hack/build-cluster.sh FOLDER/PROGRAM,
# FOLDER being bin/cluster or bin/node.
set -euo pipefail
cd "$(dirname "$0")/.."

cluster=(etcd kube-apiserver kube-controller-manager kubectl)
kubernetes=(kubelet kube-proxy kube-scheduler)
containerd=(containerd containerd-shim-runc-v2 ctr)
plugins=(main/bridge main/loopback ipam/host-local meta/portmap)
node=("${kubernetes[@]}" "${containerd[@]}" runc "${plugins[@]##*/}")

out=$PWD/$1
name=$(basename "$1")
case $1 in
bin/cluster/*) part="control plane" components=("${cluster[@]}") cost="8 to 12 minutes" ;;
bin/node/*) part=node components=("${node[@]}") cost="6 to 10 minutes after the control plane" ;;
*)
	echo "build-cluster: $1 is neither below bin/cluster nor below bin/node" >&2
	exit 2
	;;
esac
among() {
	local wanted=$1 one
	shift
	for one in "$@"; do if [ "$one" = "$wanted" ]; then return 0; fi; done
	return 1
}
if ! among "$name" "${components[@]}"; then
	echo "build-cluster: no component $name, only: ${components[*]}" >&2
	exit 2
fi
for i in "${!components[@]}"; do
	if [ "${components[$i]}" = "$name" ]; then number=$((i + 1)); fi
done
label="$part $number/${#components[@]} $name"
mkdir -p "$(dirname "$out")"

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
	echo "$label: building from Go modules (all ${#components[@]}: $cost on two cores the first time, later seconds)"
fi

SECONDS=0
(
	while sleep 15 <&- >/dev/null 2>&1; do echo "$label: building, $SECONDS s"; done
) &
ticker=$!

# build PACKAGE SETTING ... links with -X SETTING.
build() {
	local package=$1 flags="-s -w"
	shift
	for setting in "$@"; do flags="$flags -X $setting"; done
	go build -trimpath -buildvcs=false -ldflags "$flags" -o "$new" "$package"
}
version() { go list -m -f '{{.Version}}' "$1"; }

module=test/cluster
if among "$name" "${containerd[@]}" runc "${plugins[@]##*/}"; then module=test/cluster/runtime; fi
cd "$module"
export CGO_ENABLED=0
if among "$name" "${containerd[@]}"; then
	path=github.com/containerd/containerd/v2
	build $path/cmd/"$name" $path/version.Version="$(version $path)"
elif [ "$name" = runc ]; then
	# seccomp needs cgo and libseccomp-dev; without it a pod's RuntimeDefault profile would not be enforced.
	path=github.com/opencontainers/runc
	number=$(version $path)
	pkg-config --exists libseccomp 2>/dev/null || ../../../hack/packages.sh gcc pkg-config libseccomp=libseccomp-dev
	CGO_ENABLED=1 GOFLAGS="${GOFLAGS:-} -tags=seccomp" build $path main.version="${number#v}"
elif among "$name" "${plugins[@]##*/}"; then
	for plugin in "${plugins[@]}"; do
		if [ "${plugin#*/}" = "$name" ]; then build "github.com/containernetworking/plugins/plugins/$plugin"; fi
	done
elif [ "$name" = etcd ]; then
	build go.etcd.io/etcd/server/v3
else
	number=$(version k8s.io/kubernetes)
	IFS=. read -r major minor _ <<<"${number#v}"
	stamp=k8s.io/component-base/version
	build "k8s.io/kubernetes/cmd/$name" "$stamp.gitVersion=$number" "$stamp.gitMajor=$major" "$stamp.gitMinor=$minor" "$stamp.gitTreeState=clean"
fi
touch "$new"
mv "$new" "$out"
echo "$label: ready after $SECONDS s"
