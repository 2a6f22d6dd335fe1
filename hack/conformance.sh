#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the conformance suite of the Gateway API: hack/conformance.sh [FLAG ...], the flags being those of the suite.
# It wants `make node` and bin/gatehouse-gateway. What the gateway and the suite say is in bin/conformance/.
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
	# The last address of those for gateways is none that a gateway gets by itself, and the one that cannot be had is nobody's
	# (RFC 5737).
	exec "$out/suite" -test.v -test.timeout "${CONFORMANCE_TIMEOUT:-90m}" -test.run TestTheGatewayConforms \
		-gateway "bin/gatehouse-gateway --kubernetes --addresses 10.200.0.128-10.200.0.254 ${GATEWAY_FLAGS:-}" -gateway-log "$out/gateway.log" \
		-gateway-class gatehouse -conformance-profiles GATEWAY-HTTP,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP,GATEWAY-GRPC -usable-address 10.200.0.254 -unusable-address 198.51.100.254 "$@"
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
bin/node/node --images "$out/*.tar" -- "$0" --inside "$@"
