// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/kube"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// storms is how many times every watch is cut, and what it would go on from is forgotten.
const storms = 2

const served = `{apiVersion: v1, kind: Namespace, metadata: {name: edge}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: gatehouse}, spec: {controllerName: gatehouse.sh/gateway}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec: {gatewayClassName: gatehouse, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: edge}, spec: {ports: [{name: http, port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: edge, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: %s, protocol: TCP}]
endpoints: [{addresses: [%s], conditions: {ready: true}}]
`

const routed = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %[1]s, namespace: edge}
spec:
  parentRefs: [{name: edge}]
  rules: [{matches: [{path: {value: /%[1]s}}], backendRefs: [{name: web, port: 80}]}]
`

// The Gateway is served at an address that no other test uses.
const (
	edgeAddress = "127.0.77.1"
	edgeURL     = "http://127.0.77.1:20080/"
)

// gateway serves the Gateways of the cluster until the test ends.
func (h *house) gateway(t *testing.T, config *rest.Config) {
	t.Helper()
	pool, err := kube.ParsePool(edgeAddress)
	if err != nil {
		t.Fatal(err)
	}
	plane := kube.NewLocal(kube.LocalOptions{Pool: pool, PortOffset: 20000, Drain: time.Second, Log: logr.Discard(), Stdout: io.Discard})
	controller, err := kube.New(config, kube.Options{Plane: plane, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plane.Close)
	controlplane.Run(t, controller.Run)
}

// forget has etcd forget every version but the latest: a watch that would go on from one
// of them is answered 410.
func (h *house) forget(t *testing.T) {
	t.Helper()
	var found struct {
		Header struct{ Revision string }
	}
	h.etcd(t, "range", `{"key":"AA==","keys_only":true}`, &found)
	h.etcd(t, "compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, found.Header.Revision), nil)
}

func (h *house) etcd(t *testing.T, call, question string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Etcd()+"/v3/kv/"+call, strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("etcd, %s: status %d, %v: %s", call, res.StatusCode, err, &text)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(text.Bytes(), into); err != nil {
		t.Fatalf("etcd, %s: %v: %s", call, err, &text)
	}
}

// TestWatchesAreGone: watches of webhook and gateway are cut, and what they would go on
// from is forgotten, several times. What they knew counts meanwhile, and soon what came
// after it. The API server has no cache of its own that could answer instead of etcd.
func TestWatchesAreGone(t *testing.T) {
	h, line := newHouse(t, "--watch-cache=false"), newWire()
	h.webhook(t, line.through(h.RESTConfig()))
	host, port := outward(t)
	h.must(t, fmt.Sprintf(served, port, host)+"---\n"+fmt.Sprintf(routed, "old"), "apply", "-f", "-")
	h.gateway(t, line.through(h.RESTConfig()))
	controlplane.Eventually(t, patience, "the route is served", func() error { return answers(t.Context(), "old") })

	rows := newTable(t)
	w, all := h.startWriter(t), customers(t, edgeURL+"old")
	enough(t, all, time.Now(), http.StatusNoContent)
	before := line.open()
	var took time.Duration
	for n := range storms {
		watchedAgain(t, line, before)
		line.cut()
		w.recovered(t, time.Now()) // a second of writes, which the webhook does not see
		h.must(t, fmt.Sprintf(routed, fmt.Sprintf("new-%d", n)), "apply", "-f", "-")
		later := fmt.Sprintf("later-%d", n)
		h.must(t, fmt.Sprintf(exposed, later), "apply", "-f", "-")
		h.forget(t)
		mended := time.Now()
		line.mend()
		controlplane.Eventually(t, patience, "the route of this storm is served", func() error { return answers(t.Context(), fmt.Sprintf("new-%d", n)) })
		h.must(t, "", "label", "namespace", later, "gatehouse.sh/admission=enforce")
		controlplane.Eventually(t, patience, "what was written in this storm counts", func() error { return h.completes(t, later) })
		took = max(took, withinLimit(t, time.Since(mended)))
	}
	enough(t, all, time.Now(), http.StatusNoContent)
	asked, failed := ended(t, all, http.StatusNoContent)
	wrote := w.stop(t)
	gone := line.answered()
	if gone < storms*len(before)/2 {
		t.Errorf("%d answers 410 to %d watched paths in %d storms: that is no storm", gone, len(before), storms)
	}
	rows.add(row{
		"the watches of webhook and gateway are cut, and etcd forgets what they would go on from (410 Gone)", took, asked, failed,
		fmt.Sprintf("%d paths watched, %d times, %d answers 410; %s", len(before), storms, gone, wrote),
	})
}

// watchedAgain waits until all paths are watched that were before.
func watchedAgain(t *testing.T, line *wire, before map[string]bool) {
	t.Helper()
	controlplane.Eventually(t, patience, "everything is watched", func() error {
		open := line.open()
		for path := range before {
			if !open[path] {
				return fmt.Errorf("%s is not, after %d answers 410", path, line.answered())
			}
		}
		return nil
	})
}

// completes tells why a binding is not refused, though it completes what is exposed.
func (h *house) completes(t *testing.T, namespace string) error {
	t.Helper()
	_, err := h.client.RbacV1().RoleBindings(namespace).Create(t.Context(), binding(namespace, "bad"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil || !strings.Contains(err.Error(), "XR-002") {
		return fmt.Errorf("it is not refused for XR-002: %w", cmp.Or(err, errStored))
	}
	return nil
}

var errStored = errors.New("it would be stored")

// outward is a backend that answers 204 at an address of this machine that is not of the
// loopback, which no EndpointSlice may have.
func outward(t *testing.T) (host, port string) {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			host = p.Addr().String()
		}
	}
	if host == "" {
		t.Skip("the machine has no address but the loopback's, so NOT TESTED: 410 Gone")
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })}}
	s.Start()
	t.Cleanup(s.Close)
	if host, port, err = net.SplitHostPort(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return host, port
}

// answers tells why a path of the Gateway is not answered by the backend.
func answers(ctx context.Context, path string) error {
	return answered(ctx, edgeURL+path, http.StatusNoContent)
}

// answered tells why a URL is not answered with a status.
func answered(ctx context.Context, url string, want int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != want {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
