// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"net/http"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const sets = `
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: gatehouse
  allowedListeners: {namespaces: {from: All}}
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: shop.example.com}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: own, namespace: team}
spec:
  parentRef: {name: edge, namespace: shop}
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: team.example.com, allowedRoutes: {namespaces: {from: All}}}
  - {name: taken, port: 80, protocol: HTTP, hostname: shop.example.com}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: team, namespace: shop}
spec:
  parentRefs: [{group: gateway.networking.k8s.io, kind: ListenerSet, name: own, namespace: team}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
`

// TestAListenerSetIsServed at the address of its Gateway, until that allows it no more.
func TestAListenerSetIsServed(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.serve(t, "127.0.27.1-127.0.27.9")
	c.apply(t, shop+service(t))
	c.apply(t, sets)
	const url = "http://127.0.27.1:20080/"
	answers(t, http.DefaultClient, url, "team.example.com", 200, "web")
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
	c.says(t, "ListenerSet", "team", "own", `["Accepted=True/ListenersNotValid","Programmed=True/Programmed"]`, "conditions")
	c.says(t, "ListenerSet", "team", "own", `["Accepted=True/Accepted","Conflicted=False/NoConflicts","Programmed=True/Programmed","ResolvedRefs=True/ResolvedRefs"]`, "listeners", "0", "conditions")
	c.says(t, "ListenerSet", "team", "own", `["Accepted=False/HostnameConflict","Conflicted=True/HostnameConflict","Programmed=False/HostnameConflict","ResolvedRefs=True/ResolvedRefs"]`, "listeners", "1", "conditions")
	c.says(t, "Gateway", "shop", "edge", `1`, "attachedListenerSets")
	c.says(t, "HTTPRoute", "shop", "team", `["Accepted=True/Accepted","ResolvedRefs=True/ResolvedRefs"]`, "parents", "0", "conditions")
	c.apply(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: gatehouse
  allowedListeners: {namespaces: {from: Same}}
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: shop.example.com}]
`)
	answers(t, http.DefaultClient, url, "team.example.com", 404, "")
	c.says(t, "ListenerSet", "team", "own", `["Accepted=False/NotAllowed","Programmed=False/NotAllowed"]`, "conditions")
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
}
