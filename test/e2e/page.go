// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
)

const pageHead = `# On a real node

` + "`make e2e`" + ` writes this page and holds it to what it sees: the manifests of this repository, applied to a cluster of one node (kubelet, containerd, kube-proxy) with
Cilium 1.15 as enforcer, all in namespaces of their own. [What was broken](failures.md) is told apart, and so is what became of [data planes of their own](data-planes.md). Addresses of the metadata service and of the internet are those of servers in a network namespace without a way out.

The application is web, carts and database in the namespace shop; web is exposed through the gateway alone, asks carts, and carts asks the database. Every Pod, and a machine
outside of the cluster, tried every port of every other. Then shop was labelled ` + "`gatehouse.sh/network=apply`" + `.

## Who reaches what

yes: it arrives; –: it does not; ·: not asked, since policies have no say in it. Where the plan made a difference both are told. What is not of the namespace shop stays as it was.

![Who reaches what, before and after](matrix.svg)

`

const pageMiddle = `
What comes from the node itself reaches every Pod, whatever policies say; that is how probes of the kubelet do.

## From a Pod that was taken over

A program in the container of web tries what an attacker would.

| target | before | after |
|---|---|---|
`

// page is docs/e2e/README.md.
func page(before, after *Matrix, targets []Target, was, is map[string]string) string {
	var b strings.Builder
	b.WriteString(pageHead + Table(before, after) + pageMiddle)
	for _, t := range targets {
		b.WriteString("| " + t.Name + " | " + mark(was[t.Name]) + " | " + mark(is[t.Name]) + " |\n")
	}
	return b.String()
}

const planesHead = `# Data planes of their own, on a real node

` + "`make e2e`" + ` writes this page and holds it to what it sees: ` + "`manifests/gateway-planes`" + `, applied to the [same cluster](README.md) with the rest of Gatehouse, and taken out again before that story begins. A tenant has a Gateway in a namespace of its own,
where ` + "`restricted`" + ` is the Pod Security Standard and admission is enforced. A name server and the controller of a load balancer, which this cluster has not, are stood for by this test: the one knows the
name of the control plane, the other writes one address into the status of the Service. Where no request fails, two clients outside of the cluster ask twenty times a second each: one keeps
its connection, the other makes a new one each time. The parts stand on each other.

| | what was done and seen |
|---|---|
`

// planesPage is docs/e2e/data-planes.md.
func planesPage(told []string) string {
	var b strings.Builder
	b.WriteString(planesHead)
	for i, what := range told {
		fmt.Fprintf(&b, "| %d | %s |\n", i+1, what)
	}
	return b.String()
}
