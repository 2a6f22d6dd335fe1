#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the conformance suite of the Gateway API: hack/conformance.sh [--data-planes] [FLAG ...], the flags being those of the
# suite. With --data-planes each Gateway is served by a Deployment of its own, else all of them by one process beside the
# node. It wants `make node` and bin/gatehouse-gateway. What the gateway and the suite say is in bin/conformance/.
set -euo pipefail
cd "$(dirname "$0")/.."
out=bin/conformance
go=${GO:-go}

if [ "${1:-}" = --inside ]; then
	shift
	# The experimental channel: it has every kind that the suite asks for.
	crds=$("$go" -C test/conformance list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/experimental
	kubectl=$(PATH=${GATEHOUSE_CLUSTER_BIN:-bin/cluster}:$PATH command -v kubectl)
	"$kubectl" apply --server-side -k "$crds" >/dev/null
	serve="bin/gatehouse-gateway --kubernetes"
	# The last address of those for gateways is none that a gateway gets by itself, and the one that cannot be had is nobody's
	# (RFC 5737).
	form=(-usable-address 10.200.0.254)
	if [ "${DATA_PLANES:-}" = 1 ]; then
		# What manifests/gateway-planes would bring, but for rights: the control plane is beside the node, and Pods call it there.
		"$kubectl" apply --server-side -k manifests/crd >/dev/null
		"$kubectl" create namespace gatehouse-system >/dev/null
		"$kubectl" create secret generic gatehouse-gateway-authority -n gatehouse-system >/dev/null
		"$kubectl" apply -f test/conformance/parameters.yaml >/dev/null
		serve+=" --hand-over 10.200.0.1:9443 --hand-over-at 10.200.0.1:9443 --image localhost/gatehouse/gateway:1"
		form=(-mode data-planes -gateway-parameters conformance -load-balancers 10.201.0.1-10.201.0.254 -usable-address 10.201.0.254)
	else
		serve+=" --addresses 10.200.0.128-10.200.0.254"
	fi
	exec "$out/suite" -test.v -test.timeout "${CONFORMANCE_TIMEOUT:-90m}" -test.run TestTheGatewayConforms \
		-gateway "$serve ${GATEWAY_FLAGS:-}" -gateway-log "$out/gateway.log" "${form[@]}" \
		-gateway-class gatehouse -conformance-profiles GATEWAY-HTTP,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP,GATEWAY-GRPC -unusable-address 198.51.100.254 "$@"
fi

export DATA_PLANES=0
if [ "${1:-}" = --data-planes ]; then
	shift
	DATA_PLANES=1
fi
mkdir -p "$out"
rm -f "$out"/*.tar
export CGO_ENABLED=0
"$go" -C test/conformance build -trimpath -ldflags '-s -w' -o "$PWD/$out/echo-basic" sigs.k8s.io/gateway-api/conformance/echo-basic
"$go" -C test/conformance build -trimpath -ldflags '-s -w' -o "$PWD/$out/dns" ./dns
"$go" -C test/conformance test -c -o "$PWD/$out/suite" .
arch=$("$go" env GOARCH)
number=0
"$go" -C test/conformance run ./images >"$out/images"
while read -r name tag program; do
	number=$((number + 1))
	"$go" -C hack/image run . -program "$arch=$PWD/$out/$program" -name "$name" -version "$tag" -out "$PWD/$out/$number.tar"
done <"$out/images"
if [ "$DATA_PLANES" = 1 ]; then
	"$go" -C hack/image run . -program "$arch=$PWD/bin/gatehouse-gateway" -name localhost/gatehouse/gateway -version 1 -out "$PWD/$out/gateway.tar"
fi
bin/node/node --images "$out/*.tar" -- "$0" --inside "$@"
