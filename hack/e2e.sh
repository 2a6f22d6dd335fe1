#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tells the stories of test/e2e to a cluster on a node that enforces NetworkPolicies: hack/e2e.sh [FLAG ...], the flags being
# those of the tests. Then it looks for what is left of the node. Where it cannot run it says what was not tested, and
# fails if CI is set.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/bin/e2e
go=${GO:-go}
dir=${E2E_DIR:-${TMPDIR:-/tmp}/gatehouse-e2e}

if [ "${1:-}" = --inside ]; then
	shift
	echo "e2e: the node is ready after $(($(date +%s) - E2E_BEGAN)) s"
	for kind in net mnt pid; do bin/node/node exec -dir "$dir" -- readlink "/proc/self/ns/$kind"; done >"$out/namespaces"
	kubectl=$(PATH=${GATEHOUSE_CLUSTER_BIN:-bin/cluster}:$PATH command -v kubectl)
	kubectl=$(realpath "$kubectl")
	node=$(realpath bin/node/node)
	crds=$("$go" list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/experimental
	cd test/e2e
	exec "$out/suite" -test.v -test.timeout "${E2E_TIMEOUT:-60m}" -kubectl "$kubectl" -node "$node" -node-dir "$dir" \
		-probe "$out/probe" -gatehouse "$out/gatehouse" -gateway-api "$crds" "$@"
fi

untested() {
	echo "e2e: $1. NOT TESTED: installation, refusals, the gateway, network plans on the wire, failures, data planes of their own and uninstallation in a cluster that runs Pods" >&2
	if [ -n "${CI:-}" ]; then exit 1; fi
	exit 0
}
[ "$(uname -s)" = Linux ] || untested "needs Linux"
[ "$(id -u)" = 0 ] || untested "needs root, for namespaces, mounts and a network link"
hack/packages.sh ip=iproute2 nft=nftables conntrack iptables nsenter=util-linux pgrep=procps clang-19 llc-19=llvm-19 || untested "lacks the packages above"
"${MAKE:-make}" --no-print-directory e2e-images

left=0
leftover() {
	echo "e2e: left: $1" >&2
	left=$((left + 1))
}
mounts() { cut -d ' ' -f 2,3 /proc/self/mounts | sort; }
before=$(mounts)
export E2E_BEGAN
E2E_BEGAN=$(date +%s)
code=0
bin/node/node --dir "$dir" --enforcer cilium --images "$out/images/*.tar" -- "$0" --inside "$@" || code=$?

# What a node is made of: processes, mounts, namespaces, control groups, its link and its routes.
for process in /proc/[0-9]*; do
	if { tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null | grep -qF "$dir/"; then leftover "process ${process#/proc/}: $(tr '\0' ' ' <"$process/cmdline")"; fi
done
if mounted=$(comm -13 <(echo "$before") <(mounts) | grep -F "$dir"); then leftover "mounts $mounted"; fi
while read -r namespace; do
	if [ -n "$(find /proc/[0-9]*/ns -lname "$namespace" 2>/dev/null || true)" ]; then leftover "namespace $namespace"; fi
done <"$out/namespaces"
while read -r group; do leftover "control group $group"; done < <(find /sys/fs/cgroup -type d -name gatehouse-node 2>/dev/null)
if ip link show gatehouse0 >/dev/null 2>&1; then leftover "link gatehouse0"; fi
if [ -n "$(ip route | grep '^10\.244\.' || true)" ]; then leftover "routes to Pods"; fi
for entry in "$dir"/*; do
	if [ -e "$entry" ] && [ "$(basename "$entry")" != log ]; then leftover "$entry"; fi
done
echo "e2e: $(($(date +%s) - E2E_BEGAN)) s, $left things left"
[ $code = 0 ] && [ $left = 0 ]
