#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds what enforces NetworkPolicies on the node of test/node, Cilium, from Go modules: hack/build-cilium.sh FOLDER
# leaves cilium-agent, cilium-cni and cilium-dbg in FOLDER, and what the agent compiles and the cluster is told of it in
# FOLDER/cilium. The first time takes 6 minutes of two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath "$1")
module=github.com/cilium/cilium
go=${GO:-go}

cd test/cluster/cilium
"$go" mod download
from=$("$go" list -m -f '{{.Dir}}' $module)
version=$("$go" list -m -f '{{.Version}}' $module)

# A build goes to a folder of its own and is moved into place: a cluster that is running keeps its programs.
new=$out/.cilium.$$
trap 'chmod -R u+w "$new" 2>/dev/null || true; rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$new/cilium"

# The agent refuses to start where /proc/modules is missing, which it is on kernels that have everything built in. One
# constant is changed, in a copy: `go build -overlay` refuses files of the module cache.
modules=pkg/datapath/linux/modules/modules_linux.go
mkdir "$new/source"
cp -r "$from/." "$new/source"
chmod -R u+w "$new/source"
if [ ! -e /proc/modules ]; then
	sed -i 's#"/proc/modules"#"/dev/null"#' "$new/source/$modules"
	grep -q '"/dev/null"' "$new/source/$modules" || { echo "build-cilium: $modules is not what it was" >&2; exit 1; }
fi
cp go.mod go.sum "$new/"
cd "$new"
"$go" mod edit -replace "$module=./source"

SECONDS=0
export CGO_ENABLED=0
for program in cilium-agent=daemon cilium-cni=plugins/cilium-cni cilium-dbg=cilium-dbg; do
	name=${program%%=*}
	echo "cilium: building $name $version from Go modules"
	"$go" build -trimpath -buildvcs=false -tags osusergo -ldflags "-s -w -X $module/pkg/version.ciliumVersion=${version#v}" -o "$new/$name" "$module/${program#*=}"
	mv "$new/$name" "$out/$name"
	echo "cilium: $name is ready after $SECONDS s"
done

mv source/bpf cilium/bpf
find cilium/bpf -name '*.go' -delete # or else they were packages of the module that bin/ lies in
mkdir cilium/crds
cp source/pkg/k8s/apis/cilium.io/client/crds/v2/*.yaml source/pkg/k8s/apis/cilium.io/client/crds/v2alpha1/*.yaml cilium/crds/
rm -rf "$out/cilium"
mv cilium "$out/cilium"
