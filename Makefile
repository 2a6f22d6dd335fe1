# SPDX-License-Identifier: Apache-2.0

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Go builds in parallel by itself; two builds of the control plane side by side need 4 GiB.
.NOTPARALLEL:

GO ?= go
TOOL := $(GO) tool -modfile=hack/tools/go.mod
KUSTOMIZE := $(GO) tool -modfile=hack/tools/kustomize/go.mod kustomize
LINTER := $(GO) tool -modfile=hack/tools/golangci/go.mod golangci-lint
# What holds code of ours. Those but the first are apart because of what they link.
MODULES := . hack/image hack/sbom test/alerts test/authz test/chart test/conformance test/cyclonus test/grpc test/wycheproof

COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
VERSION ?= $(shell git describe --tags --dirty --match 'v*' 2>/dev/null || echo v0.0.0-dev)
VERSION_PACKAGE := github.com/gatehouse-sh/gatehouse/internal/version
# grpcnotrace leaves golang.org/x/net/trace out, and with it html/template: a third of the size.
# kustomize_disable_go_plugin_support: docs/decisions/0006-no-go-plugins.md.
BUILD_FLAGS := -trimpath -buildvcs=false -tags grpcnotrace,kustomize_disable_go_plugin_support
LINK_FLAGS := -s -w -X $(VERSION_PACKAGE).number=$(VERSION) -X $(VERSION_PACKAGE).commit=$(COMMIT)

PRODUCTS := $(notdir $(wildcard cmd/*))
COMPONENTS := etcd kube-apiserver kube-controller-manager kubectl
NODE_COMPONENTS := kubelet kube-proxy kube-scheduler containerd containerd-shim-runc-v2 ctr runc bridge loopback host-local portmap

# The control plane: your own binaries if KUBEBUILDER_ASSETS names a folder of them, and what is not there (most such
# folders have no kube-controller-manager) built from test/cluster/go.mod.
GIVEN := $(notdir $(foreach c,$(COMPONENTS),$(if $(KUBEBUILDER_ASSETS),$(wildcard $(KUBEBUILDER_ASSETS)/$(c)))))
CLUSTER_FILES := $(addprefix bin/cluster/,$(filter-out $(GIVEN),$(COMPONENTS)))
export GATEHOUSE_CLUSTER_BIN := $(if $(KUBEBUILDER_ASSETS),$(KUBEBUILDER_ASSETS):)$(CURDIR)/bin/cluster

##@ Use

.PHONY: help
help: ## Show this help.
	@awk -f hack/help.awk $(MAKEFILE_LIST)

.PHONY: build
build: $(addprefix bin/,$(PRODUCTS)) ## Build the programs into bin/.

# Go knows better than make whether a program is up to date.
.PHONY: $(addprefix bin/,$(PRODUCTS))
$(addprefix bin/,$(PRODUCTS)):
	@echo "building $@ $(VERSION)"
	@CGO_ENABLED=0 $(GO) build $(BUILD_FLAGS) -ldflags '$(LINK_FLAGS)' -o $@ ./cmd/$(@F)

.PHONY: demo
demo: $(CLUSTER_FILES) build ## See exposure refused, and the gateway answer, on a real API server. ARGS=--keep leaves it running.
	@$(GO) build $(BUILD_FLAGS) -o bin/demo ./test/demo
	@# Not go run: it would die of a SIGTERM and leave the demo and its control plane behind.
	@bin/demo $(ARGS)

.PHONY: images
images: ## Build the container images as OCI archives into bin/images/, with their contents as CycloneDX. IMAGE_REGISTRY, VERSION and IMAGE_ARCH choose.
	GO='$(GO)' hack/images.sh '$(IMAGE_REGISTRY)' '$(VERSION)' '$(IMAGE_ARCH)' '$(BUILD_FLAGS)' '$(LINK_FLAGS)'

IMAGE_REGISTRY ?= ghcr.io/gatehouse-sh
IMAGE_ARCH ?= amd64 arm64

.PHONY: reproduce
reproduce: images ## Build the images of this commit again elsewhere, without Go's build cache, and compare. It takes minutes.
	GO='$(GO)' MAKE='$(MAKE)' hack/reproduce.sh '$(IMAGE_REGISTRY)' '$(VERSION)' '$(IMAGE_ARCH)'

RELEASE_TARGETS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: release
release: ## Build what is published into bin/release: archives, bills of materials, chart, checksums. RELEASE_TARGETS=linux/amd64 narrows it.
	GO='$(GO)' hack/release.sh '$(VERSION)' '$(RELEASE_TARGETS)' '$(BUILD_FLAGS)' '$(LINK_FLAGS)'

.PHONY: sign
sign: ## Sign the checksums of bin/release with an SSH key. KEY=FILE.
	@hack/sign.sh '$(KEY)'

.PHONY: clean
clean: ## Remove what was built, the control plane included. Go's own caches stay.
	rm -rf bin

##@ Test

.PHONY: cluster
cluster: $(CLUSTER_FILES) ## Build the control plane (etcd, API server, controllers, kubectl). The first time takes minutes.
	@echo "control plane binaries: $$GATEHOUSE_CLUSTER_BIN"

$(CLUSTER_FILES): test/cluster/go.mod test/cluster/go.sum
	@hack/build-cluster.sh $@

# What runs Pods: Kubernetes' part and the container runtime's have modules of their own.
NODE_FILES := $(addprefix bin/node/,$(NODE_COMPONENTS))

.PHONY: node
node: $(CLUSTER_FILES) $(NODE_FILES) ## Build a node that runs Pods (test/node/README.md) into bin/node. After `make cluster` it takes minutes the first time.
	@hack/packages.sh ip=iproute2 nft=nftables conntrack iptables nsenter=util-linux
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/node/node ./test/node
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/node/pause ./test/node/pause
	$(GO) -C hack/image run . -program $(shell $(GO) env GOARCH)=$(CURDIR)/bin/node/pause -name localhost/gatehouse/pause -version 1 -out $(CURDIR)/bin/node/pause.tar

# Who enforces NetworkPolicies on it. One program stands for what is built with it.
.PHONY: enforcer
enforcer: node bin/node/cilium-agent ## Build Cilium, which enforces NetworkPolicies on that node. The first time takes 7 minutes more.
	@hack/packages.sh clang-19 llc-19=llvm-19

bin/node/cilium-agent: test/cluster/cilium/go.mod test/cluster/cilium/go.sum hack/build-cilium.sh
	@GO='$(GO)' hack/build-cilium.sh $(@D)

$(NODE_FILES): test/cluster/go.mod test/cluster/go.sum test/cluster/runtime/go.mod test/cluster/runtime/go.sum
	@hack/build-cluster.sh $@

TEST_FLAGS ?= -timeout 60m

# Half of the time is waiting for API servers: side by side they take two thirds of it.
.PHONY: test
test: $(CLUSTER_FILES) build ## Run every test, those against the real API server included.
	@MAKE='$(MAKE)' hack/side-by-side.sh test-module 'test-webhook test-authz' 'test-chart test-grpc test-wycheproof test-cyclonus test-alerts traps'

.PHONY: test-module
test-module: $(CLUSTER_FILES) build ## Run the tests of the main module, but for those of test-webhook.
	$(GO) test $(TEST_FLAGS) $$($(GO) list ./... | grep -v '/test/integration$$')
	$(GO) -C hack/image test ./...
	$(GO) -C hack/sbom test ./...

.PHONY: test-webhook
test-webhook: $(CLUSTER_FILES) build ## Ask the webhook and the backstop, through the real API server, for their verdict on every fixture.
	$(GO) test $(TEST_FLAGS) ./test/integration

.PHONY: test-authz
test-authz: $(CLUSTER_FILES) ## Compare internal/authz with Kubernetes. GATEHOUSE_SEED=n, or random, draws other questions.
	@# A module of its own: it links k8s.io/kubernetes. -v shows the seed and how much was asked.
	$(GO) -C test/authz test -v $(TEST_FLAGS) ./...

.PHONY: test-cyclonus
test-cyclonus: ## Compare generator/verify with cyclonus. GATEHOUSE_SEED=n, or random, draws other questions.
	@# A module of its own: it links cyclonus. -v shows the seed, how much was asked and what is known to differ.
	$(GO) -C test/cyclonus test -v $(TEST_FLAGS) ./...

.PHONY: test-wycheproof
test-wycheproof: ## Ask gateway/auth what Project Wycheproof asks of tokens and keys, and count.
	@# A module of its own: the vectors are 107 MB, and need a newer Go.
	$(GO) -C test/wycheproof test -v $(TEST_FLAGS) ./...

.PHONY: test-grpc
test-grpc: ## Run the interoperability cases of gRPC through the gateway.
	@# A module of its own: they depend on modules that the gateway has no use for.
	$(GO) -C test/grpc test -v $(TEST_FLAGS) ./...

.PHONY: test-chart
test-chart: $(CLUSTER_FILES) ## Compare the Helm chart with the kustomizations, and install it on the real API server.
	@# A module of its own: it links Helm.
	$(GO) -C test/chart test -v $(TEST_FLAGS) ./...

.PHONY: test-alerts
test-alerts: ## Read the alerts with Prometheus' own parser.
	@# A module of its own: it links Prometheus.
	$(GO) -C test/alerts test $(TEST_FLAGS) ./...

.PHONY: conformance
conformance: node bin/gatehouse-gateway ## Run the conformance suite of the Gateway API on a node. ARGS='-run-test=HTTPRouteMatching' narrows it.
	GO='$(GO)' hack/conformance.sh $(ARGS)

.PHONY: conformance-planes
conformance-planes: node bin/gatehouse-gateway ## Run that suite with a data plane of its own for each Gateway.
	GO='$(GO)' hack/conformance.sh --data-planes $(ARGS)

.PHONY: e2e
e2e: ## Tell the whole story to a cluster that runs Pods and enforces NetworkPolicies. Needs root and Linux. ARGS=-update writes docs/e2e.
	@GO='$(GO)' MAKE='$(MAKE)' hack/e2e.sh $(ARGS)

.PHONY: e2e-images
e2e-images: enforcer # what hack/e2e.sh runs: images of the version that the manifests name, for this machine alone
	@IMAGE_OUT=bin/e2e/images $(MAKE) --no-print-directory images VERSION=$(E2E_VERSION) IMAGE_ARCH=$(shell $(GO) env GOARCH)
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/e2e/probe ./test/e2e/probe
	bin/image -program $(shell $(GO) env GOARCH)=bin/e2e/probe -name localhost/gatehouse/probe -version 1 -out bin/e2e/images/probe.tar
	cp bin/linux-$(shell $(GO) env GOARCH)/gatehouse bin/e2e/gatehouse
	$(GO) test -c -o bin/e2e/suite ./test/e2e

# The version that the manifests name.
E2E_VERSION := $(shell sed -n 's/^ *image: .*gatehouse-webhook:\(.*\)$$/\1/p' manifests/base/deployment.yaml)

.PHONY: test-smuggling
test-smuggling: ## Send hostile streams through the gateway to four servers, and count. GATEHOUSE_STREAMS=n and GATEHOUSE_SEED=n make others.
	$(GO) test -v $(TEST_FLAGS) -count 1 ./test/smuggling

.PHONY: traps
traps: ## Count the traps of docs/network-traps.md that tests hold, and list those that none can.
	$(GO) test -count 1 -v -run 'TestEveryTrapIsHeld$$' ./generator/internal/traps

.PHONY: test-integration
test-integration: $(CLUSTER_FILES) build ## Run only the tests below test/. TEST_FLAGS='-run Name -v' narrows them.
	$(GO) test $(TEST_FLAGS) ./test/...

FUZZTIME ?= 20s

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (20s).
	GO='$(GO)' hack/fuzz.sh '$(FUZZTIME)'

MODELS ?= 100000

.PHONY: prove
prove: TEST_FLAGS = -timeout 3h
prove: ## Prove what is generated for MODELS (100000) random models. GATEHOUSE_SEED=n, or random, draws others.
	GATEHOUSE_MODELS='$(MODELS)' $(GO) test $(TEST_FLAGS) -count 1 -v -run 'MeanTheModel$$' ./generator/...

BENCH ?= .
COUNT ?= 6

.PHONY: bench
bench: $(CLUSTER_FILES) build ## Run the benchmarks COUNT (6) times. BENCH=pattern chooses; compares with bin/bench/old.txt if there.
	mkdir -p bin/bench
	test -n "$$($(GO) list ./test/bench/...)" || { echo 'no benchmarks below test/bench' >&2; exit 1; }
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -timeout 60m ./test/bench/... | tee bin/bench/new.txt
	$(TOOL) benchstat $(wildcard bin/bench/old.txt) bin/bench/new.txt

.PHONY: scale
scale: $(CLUSTER_FILES) kwok ## Measure webhook and controller with 5,000 Pods of kwok in 500 namespaces. It takes ten minutes.
	GATEHOUSE_KWOK='$(CURDIR)/bin/kwok' $(GO) test -count 1 -v -timeout 30m -run '^TestScale$$' ./test/scale

.PHONY: kwok
kwok:
	CGO_ENABLED=0 $(GO) -C test/scale/kwok build -trimpath -ldflags '-s -w' -o $(CURDIR)/bin/kwok sigs.k8s.io/kwok/cmd/kwok

SCALE_NODE ?= /tmp/gatehouse-scale

.PHONY: scale-node
scale-node: e2e-images kwok ## Measure the same beside a node with Cilium on which Gatehouse runs. Needs root and Linux. It takes twenty minutes.
	PATH="$$GATEHOUSE_CLUSTER_BIN:$$PATH" GATEHOUSE_KWOK='$(CURDIR)/bin/kwok' GATEHOUSE_NODE='$(SCALE_NODE)' \
		bin/node/node --dir '$(SCALE_NODE)' --enforcer cilium --images 'bin/e2e/images/*.tar' -- \
		$(GO) test -count 1 -v -timeout 60m -run '^TestScaleBesideANode$$' ./test/scale

ROUNDS ?= 5
SECONDS_EACH ?= 5

.PHONY: bench-gateway
bench-gateway: bin/gatehouse-gateway ## Compare the gateway with HAProxy, nginx and ReverseProxy, which with wrk are Debian's packages. ARGS="-half -layers L0"; ROUNDS=0 asks only whether all answer rightly.
	@$(GO) build -o bin/benchgateway ./hack/benchgateway
	bin/benchgateway -rounds $(ROUNDS) -seconds $(SECONDS_EACH) $(ARGS)

##@ Change

.PHONY: fmt
fmt: ## Format the Go files.
	$(LINTER) fmt ./...

.PHONY: generate
generate: ## Regenerate code, CRDs, manifests and the checks' pages.
	mkdir -p bin
	$(TOOL) controller-gen object:headerFile=hack/boilerplate.go.txt crd paths=./api/... output:crd:dir=manifests/crd
	$(GO) generate ./...
	$(KUSTOMIZE) build manifests/default > bin/install.yaml
	mv bin/install.yaml manifests/install.yaml
	$(GO) run ./hack/chart manifests

.PHONY: lint
lint: ## Run the linters. The first time builds them, which takes minutes.
	@faults=0; for module in $(MODULES); do \
		(cd "$$module" && $(subst -modfile=,-modfile=$(CURDIR)/,$(LINTER)) run ./...) || { echo "lint: faults in module $$module" >&2; faults=1; }; \
	done; exit $$faults

.PHONY: verify
verify: ## Check that generated files, formatting, go vet and go.mod are in order.
	GO='$(GO)' MAKE='$(MAKE)' MODULES='$(MODULES)' hack/verify.sh
