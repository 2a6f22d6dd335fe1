// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// TestWhatIsServedIsNotCutForWhatIsNotAnswered: data planes go on with what they have until
// the API server has answered, for a time. Those that have nothing are given what there is.
func TestWhatIsServedIsNotCutForWhatIsNotAnswered(t *testing.T) {
	t.Parallel()
	made := serviceOf(func(*corev1.Service) {})
	away := keptOf(made)
	away.Unknown, away.Classless = true, true
	lacking := func(s Served, n int) Served {
		s.Snapshot = &config.Snapshot{Listeners: []config.Listener{{Name: "another", Address: s.Snapshot.Listeners[0].Address, Protocol: config.HTTP}}}
		s.Unanswered = n
		return s
	}
	for what, tc := range map[string]struct {
		before []Served // by this process
		now    Served
		late   bool
		waits  bool
	}{
		"all is answered":                          {nil, lacking(https(made), 0), false, false},
		"not by a new leader":                      {nil, lacking(https(made), 2), false, true},
		"nobody serves it yet":                     {nil, lacking(https(nil), 2), false, false},
		"of what was changed since":                {[]Served{https(made)}, lacking(https(made), 1), false, false},
		"of what is added again and again":         {[]Served{https(made), lacking(https(made), 9)}, lacking(https(made), 7), false, false},
		"it has a data plane of this one's":        {[]Served{https(nil)}, lacking(https(nil), 1), false, false},
		"not while it is at fault":                 {[]Served{keptOf(made)}, lacking(https(made), 1), false, true},
		"not when its class is there again":        {[]Served{https(made), away}, lacking(https(made), 1), false, true},
		"its class was there, and all is answered": {[]Served{https(made), away, https(made)}, lacking(https(made), 1), false, false},
		"for too long":                             {[]Served{lacking(https(made), 2)}, lacking(https(made), 2), true, false},
		"it is answered since":                     {[]Served{lacking(https(made), 2)}, lacking(https(made), 0), false, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newIdle(t)
			for _, s := range tc.before {
				r.Serve(t.Context(), []Served{s})
			}
			if g := r.gateways[tc.now.Gateway]; tc.late {
				g.since = g.since.Add(-mostUnanswered)
			}
			r.Serve(t.Context(), []Served{tc.now})
			g, state := r.gateways[tc.now.Gateway], r.State(tc.now.Gateway)
			if offered := g.wanted == tc.now.Snapshot; offered == tc.waits {
				t.Errorf("it is offered: %v", offered)
			}
			if said := state.Reason == gatewayv1.GatewayReasonPending && strings.Contains(state.Message, fmt.Sprintf("of %d Secrets", tc.now.Unanswered)); said != tc.waits || tc.waits && state.Settled {
				t.Errorf("the state is %+v", state)
			}
			if p := r.maker.wanted[tc.now.Gateway]; p != nil && p.Keep != tc.waits {
				t.Errorf("its objects stay: %v", p.Keep)
			}
		})
	}
}

// TestANewLeaderCutsNothing: another control plane takes over, which the API server tells
// nothing of Secrets for longer than one is waited for elsewhere.
func TestANewLeaderCutsNothing(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.apply(t, pods)
	limited := c.limited(t, "shop")
	k := c.controlAs(t, limited, "127.0.0.1:0")
	authority := pki.New(t, "authority")
	c.apply(t, shop+service(t)+"---\n"+certificate(t, "shop", "own", authority.For(t, "shop.example.com"))+`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: gatehouse
  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: own}]}}]
`)
	edge := &unstructured.Unstructured{}
	edge.SetAPIVersion(gatewayv1.GroupVersion.String())
	edge.SetKind("Gateway")
	if err := c.api.Get(t.Context(), ctrlclient.ObjectKey{Namespace: "shop", Name: "edge"}, edge); err != nil {
		t.Fatal(err)
	}
	made := serviceOf(func(s *corev1.Service) { s.UID, s.OwnerReferences[0].UID = "", edge.GetUID() })
	made.Spec.Ports = []corev1.ServicePort{{Port: 443}}
	if err := c.api.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	k.data(t, c.token(t, "edge-gatehouse", "edge-1", Audience), "127.0.29.1", "")
	const at = "https://127.0.29.1:20443/"
	client := trusting(authority, "shop.example.com")
	answers(t, client, at, "shop.example.com", 200, "web")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=True/Programmed"]`, "conditions")
	address := strings.Replace(k.address, "localhost", "127.0.0.1", 1)
	k.stop()

	r, answered := newRoad(t), make(chan struct{})
	r.lead(t, c.RESTConfig())
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, "/namespaces/shop/secrets") {
			select {
			case <-answered:
			case <-req.Context().Done():
				return
			}
		}
		r.Config.Handler.ServeHTTP(w, req)
	}))
	t.Cleanup(slow.Close)
	answer := sync.OnceFunc(func() { close(answered) })
	t.Cleanup(answer)
	again := c.controlAs(t, &rest.Config{Host: slow.URL, Impersonate: limited.Impersonate}, address)
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=False/Pending"]`, "conditions")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Conflicted=False/NoConflicts","Programmed=False/Pending","ResolvedRefs=True/ResolvedRefs"]`, "listeners", "0", "conditions")
	controlplane.Eventually(t, time.Minute, "it waits", controlplane.Holds(func() bool { return strings.Contains(again.log.String(), "has not said yet whether") }))
	host, port := backend(t, "another")
	c.apply(t, webAt(host, port))
	for range 20 {
		if status, text, err := get(t, client, at, "shop.example.com"); err != nil || status != 200 || text != "web" {
			t.Fatalf("without an answer: %d %s, %v", status, text, err)
		}
	}
	answer()
	answers(t, client, at, "shop.example.com", 200, "another")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=True/Programmed"]`, "conditions")
}
