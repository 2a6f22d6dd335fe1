// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// classOf is the class of edge, of a controller.
func classOf(controller string) []*gatewayv1.GatewayClass {
	c := &gatewayv1.GatewayClass{Spec: gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(controller)}}
	c.Name = "gatehouse"
	return []*gatewayv1.GatewayClass{c}
}

// TestOnlyAnotherClassTakesAGatewayAway, and the absence of one does not.
func TestOnlyAnotherClassTakesAGatewayAway(t *testing.T) {
	t.Parallel()
	made := serviceOf(func(*corev1.Service) {})
	again := edge()
	again.UID = "u-0"
	for what, tc := range map[string]struct {
		classes    []*gatewayv1.GatewayClass
		service    *corev1.Service
		before     []Served
		left, kept bool
	}{
		"its class is ours":                       {classOf(DefaultController), made, []Served{{Object: edge()}}, false, false},
		"it is another controller's":              {classOf("example.com/other"), made, []Served{{Object: edge()}}, true, false},
		"it is another's, and nothing was made":   {classOf("example.com/other"), nil, []Served{{Object: edge()}}, false, false},
		"it is not there":                         {nil, made, nil, false, true},
		"it is not, nothing was made, but served": {nil, nil, []Served{{}, {Object: edge()}}, false, true},
		"it is not, one before it was served":     {nil, nil, []Served{{Object: again}}, false, false},
		"it is not, and nothing was ours":         {nil, nil, nil, false, false},
		"it is not, and another made something":   {nil, serviceOf(func(s *corev1.Service) { s.Annotations[provision.ControllerAnnotation] = "example.com/other" }), nil, false, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := &translate.Objects{Gateways: []*gatewayv1.Gateway{edge()}, Classes: tc.classes}
			if tc.service != nil {
				o.Services = []*corev1.Service{tc.service}
			}
			var translator translate.Translator
			r := translator.Translate(o, translate.Options{Controller: DefaultController, Address: netip.IPv6Unspecified()})
			if left := leftover(o, r, DefaultController); (len(left) == 1) != tc.left {
				t.Errorf("left are %v", left)
			}
			kept := classless(o, DefaultController, tc.before)
			if (len(kept) == 1) != tc.kept {
				t.Fatalf("kept are %+v", kept)
			}
			if tc.kept && (!kept[0].Keep || !kept[0].Unknown || !kept[0].Classless || kept[0].Snapshot != nil || kept[0].Service != tc.service) {
				t.Errorf("it is kept as %+v", kept[0])
			}
		})
	}
}

// TestWhoseClassIsAwayIsHandedWhatItWas: data planes are told no more than before, and their
// objects stay.
func TestWhoseClassIsAwayIsHandedWhatItWas(t *testing.T) {
	t.Parallel()
	r, s := newIdle(t), https(serviceOf(func(*corev1.Service) {}))
	r.hub = handover.NewHub(handover.Options{
		Identify: func(context.Context, netip.Addr, string) (handover.Identity, error) {
			return handover.Identity{Account: accountFor(s.Gateway), Replica: "1"}, nil
		},
		Changed: func() {}, Log: logr.Discard(),
	})
	asks := func() string {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, handover.Path, strings.NewReader("{}"))
		req.Header.Set("Authorization", "Bearer t")
		w := httptest.NewRecorder()
		r.hub.ServeHTTP(w, req)
		return w.Body.String()
	}
	r.Serve(t.Context(), []Served{s})
	before := asks()
	o := &translate.Objects{Gateways: []*gatewayv1.Gateway{edge()}, Services: []*corev1.Service{s.Service}}
	r.Leftover(leftover(o, &translate.Result{}, DefaultController))
	r.Serve(t.Context(), classless(o, DefaultController, []Served{s}))
	if now := asks(); before == "" || now != before {
		t.Errorf("it is handed %q", now)
	}
	if p := r.maker.wanted[s.Gateway]; p == nil || !p.Keep {
		t.Errorf("its objects are to be %+v", p)
	}
}

// TestAClassThatIsMadeAnewCutsNothing: what is served of its Gateways stays while it is away,
// and follows the cluster when it is there again.
func TestAClassThatIsMadeAnewCutsNothing(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	g := c.serve(t, "127.0.47.1-127.0.47.9")
	const class = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway}
`
	const url = "http://127.0.47.1:20080/"
	c.apply(t, shop+service(t))
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
	c.remove(t, class)
	controlplane.Eventually(t, time.Minute, "it is known to be away", controlplane.Holds(func() bool { return strings.Contains(g.log.String(), "the class of a Gateway is not there") }))
	host, port := backend(t, "another")
	c.apply(t, slice("web", host, port))
	for range 20 {
		if status, text, err := get(t, http.DefaultClient, url, "shop.example.com"); err != nil || status != 200 || text != "web" {
			t.Fatalf("without its class: %d %s, %v", status, text, err)
		}
	}
	c.apply(t, class)
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "another")
	c.remove(t, class)
	c.apply(t, strings.Replace(class, "gatehouse.sh/gateway", "example.com/other", 1))
	controlplane.Eventually(t, time.Minute, "another's is not served", controlplane.Holds(func() bool {
		_, _, err := get(t, http.DefaultClient, url, "shop.example.com")
		return err != nil
	}))
}
