// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// pods are those of two Gateways, and one of somebody else, as Deployments would make them.
const pods = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: edge-gatehouse, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: other-gatehouse, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: edge-1, namespace: shop}
spec: {serviceAccountName: edge-gatehouse, automountServiceAccountToken: false, containers: [{name: gateway, image: none.example}]}
---
apiVersion: v1
kind: Pod
metadata: {name: edge-2, namespace: shop}
spec: {serviceAccountName: edge-gatehouse, automountServiceAccountToken: false, containers: [{name: gateway, image: none.example}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other-1, namespace: shop}
spec: {serviceAccountName: other-gatehouse, automountServiceAccountToken: false, containers: [{name: gateway, image: none.example}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shell, namespace: shop}
spec: {serviceAccountName: default, automountServiceAccountToken: false, containers: [{name: gateway, image: none.example}]}
`

// handOver has the rights of a control plane.
const handOver = "../../manifests/gateway-planes/hand-over.yaml"

// token is what the kubelet would give a Pod; without a Pod, what somebody has made.
func (c *cluster) token(t testing.TB, account, pod, audience string) string {
	t.Helper()
	ask := &authenticationv1.TokenRequest{}
	if audience != "" {
		ask.Spec.Audiences = []string{audience}
	}
	if pod != "" {
		p := &corev1.Pod{}
		p.Name, p.Namespace = pod, "shop"
		if err := c.api.Get(t.Context(), ctrlclient.ObjectKeyFromObject(p), p); err != nil {
			t.Fatal(err)
		}
		ask.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod, UID: p.UID}
	}
	of := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Namespace: "shop"}}
	if err := c.api.SubResource("token").Create(t.Context(), of, ask); err != nil {
		t.Fatal(err)
	}
	return ask.Status.Token
}

// control is a control plane.
type control struct {
	remote  *Remote
	address string
	ca      string
	log     *lines
	stop    func()
}

// control runs a control plane at an address until it is stopped, or the test ends.
func (c *cluster) control(t testing.TB, address string) *control {
	t.Helper()
	return c.controlAs(t, c.limited(t), address)
}

// controlAs is control, by a way to the API server.
func (c *cluster) controlAs(t testing.TB, cfg *rest.Config, address string) *control {
	t.Helper()
	out := &control{log: &lines{}, ca: filepath.Join(t.TempDir(), "ca.crt")}
	rights, err := os.ReadFile(handOver)
	if err != nil {
		t.Fatal(err)
	}
	c.apply(t, string(rights)) // which leaves what is in the Secret
	out.remote, err = NewRemote(cfg, RemoteOptions{Provision: provision.Options{Image: "none.example/gateway", Control: "localhost:1", Audience: Audience, Metrics: 19090}, Log: out.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := NewKeeper(cfg, KeeperOptions{
		Secret: translate.Name{Namespace: "gatehouse-system", Name: "gatehouse-gateway-authority"}, Names: []string{"localhost"}, Published: func() []byte { return nil }, Changed: func([]byte) {}, Log: out.log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := keeper.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(out.ca, keeper.Bundle(), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	out.address = net.JoinHostPort("localhost", port)
	controller, err := New(cfg, Options{Plane: out.remote, Log: out.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	s := out.remote.Server(keeper.Certificate)
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.ServeTLS(socket, "", ""); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	all.Go(func() {
		if err := controller.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	out.stop = sync.OnceFunc(func() {
		cancel()
		_ = s.Close() // what is said is said again
		all.Wait()
		if t.Failed() {
			t.Log(out.log)
		}
	})
	t.Cleanup(out.stop)
	return out
}

// data is a data plane: what it serves listens at an address of its own.
type data struct {
	follower *handover.Follower
	mu       sync.Mutex
	refuses  bool
	stop     func()
}

func (d *data) refuse(now bool) { d.mu.Lock(); defer d.mu.Unlock(); d.refuses = now }

// data runs a data plane until it is stopped, or the test ends. Ports are raised, since
// tests have no privileges.
func (k *control) data(t testing.TB, token, host, folder string) *data {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	plane := NewLocal(LocalOptions{Pool: mustPool(t, host), PortOffset: offset, Drain: time.Second, Log: k.log.logger(), Stdout: io.Discard})
	d := &data{}
	d.follower = handover.NewFollower(handover.FollowOptions{
		Address: k.address, CA: k.ca, Token: file, Keep: folder, Log: k.log.logger(), Wait: 30 * time.Second, Most: 200 * time.Millisecond,
		Apply: func(ctx context.Context, s *config.Snapshot) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.refuses {
				return errors.New("it is out of sorts")
			}
			plane.Serve(ctx, []Served{{Snapshot: s}})
			if state := plane.State(translate.Name{}); !state.Settled {
				return fmt.Errorf("%s: %s", state.Reason, state.Message)
			}
			return nil
		},
	})
	ctx, cancel := contextOf(t)
	ended := make(chan struct{})
	go func() { defer close(ended); d.follower.Run(ctx) }()
	d.stop = sync.OnceFunc(func() { cancel(); <-ended; plane.Close() })
	t.Cleanup(d.stop)
	return d
}

func mustPool(t testing.TB, list string) Pool {
	t.Helper()
	p, err := ParsePool(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestGatewaysAreServedByProcessesThatHoldNoCredentials: two replicas serve a Gateway. The
// control plane ends and comes back, a replica refuses, and what was served stays.
func TestGatewaysAreServedByProcessesThatHoldNoCredentials(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.apply(t, pods)
	k := c.control(t, "127.0.0.1:0")
	c.apply(t, shop+service(t))
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=False/Pending"]`, "conditions")
	folder, token := t.TempDir(), c.token(t, "edge-gatehouse", "edge-1", Audience)
	first := k.data(t, token, "127.0.27.1", folder)
	second := k.data(t, c.token(t, "edge-gatehouse", "edge-2", Audience), "127.0.27.2", "")
	const one, two = "http://127.0.27.1:20080/", "http://127.0.27.2:20080/"
	answers(t, http.DefaultClient, one, "shop.example.com", 200, "web")
	answers(t, http.DefaultClient, two, "shop.example.com", 200, "web")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=True/Programmed"]`, "conditions")
	c.says(t, "HTTPRoute", "shop", "web", `["Accepted=True/Accepted","ResolvedRefs=True/ResolvedRefs"]`, "parents", "0", "conditions")

	second.refuse(true)
	host, port := backend(t, "another")
	c.apply(t, webAt(host, port))
	answers(t, http.DefaultClient, one, "shop.example.com", 200, "another")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=False/Invalid"]`, "conditions")
	answers(t, http.DefaultClient, two, "shop.example.com", 200, "web") // as before

	address := strings.Replace(k.address, "localhost", "127.0.0.1", 1)
	k.stop()
	answers(t, http.DefaultClient, one, "shop.example.com", 200, "another")
	first.stop() // and begins again without a control plane
	k.data(t, token, "127.0.27.1", folder)
	answers(t, http.DefaultClient, one, "shop.example.com", 200, "another")

	second.refuse(false)
	ca, err := os.ReadFile(k.ca)
	if err != nil {
		t.Fatal(err)
	}
	again := c.control(t, address)
	if now, err := os.ReadFile(again.ca); err != nil || !bytes.Equal(now, ca) {
		t.Errorf("the authority is another one: %v", err)
	}
	host, port = backend(t, "a third")
	c.apply(t, webAt(host, port))
	answers(t, http.DefaultClient, one, "shop.example.com", 200, "a third")
	answers(t, http.DefaultClient, two, "shop.example.com", 200, "a third")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=True/Programmed"]`, "conditions")
}

// TestSnapshotsAreForTheAccountOfTheirGateway asks the control plane with tokens that the
// API server has made.
func TestSnapshotsAreForTheAccountOfTheirGateway(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.apply(t, pods)
	k := c.control(t, "127.0.0.1:0")
	c.apply(t, shop+service(t)+"---\n"+strings.ReplaceAll(strings.Split(shop, "---")[2], "edge", "other"))
	c.says(t, "Gateway", "shop", "other", `["Accepted=True/Accepted","Programmed=False/Pending"]`, "conditions")
	c.says(t, "Gateway", "shop", "edge", `["Accepted=True/Accepted","Programmed=False/Pending"]`, "conditions")
	gone := c.token(t, "edge-gatehouse", "edge-2", Audience)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "edge-2", Namespace: "shop"}}
	if err := c.api.Delete(t.Context(), pod, ctrlclient.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	client := trustingFile(t, k.ca)
	for name, tc := range map[string]struct {
		token, has string
		status     int
	}{
		"its own":                       {c.token(t, "edge-gatehouse", "edge-1", Audience), "shop.example.com", 200},
		"that of another Gateway":       {c.token(t, "other-gatehouse", "other-1", Audience), `"Listeners"`, 200}, // which has no route
		"no Gateway":                    {c.token(t, "default", "shell", Audience), "", 404},
		"a token for the API server":    {c.token(t, "edge-gatehouse", "edge-1", ""), "", 401},
		"a token for somebody else":     {c.token(t, "edge-gatehouse", "edge-1", "vault"), "", 401},
		"a token without a Pod":         {c.token(t, "edge-gatehouse", "", Audience), "", 401},
		"a token of a Pod that is gone": {gone, "", 401},
		"no token of this cluster":      {"eyJhbGciOiJub25lIn0.e30.", "", 401},
		"no token":                      {"", "", 401},
	} {
		status, text := question(t, client, k.address, tc.token)
		if status != tc.status || !strings.Contains(text, tc.has) || name == "that of another Gateway" && strings.Contains(text, "shop.example.com") {
			t.Errorf("%s: got %d %.200s, want %d with %q", name, status, text, tc.status, tc.has)
		}
	}
	if strings.Contains(k.log.String(), "eyJ") {
		t.Error("a token is logged")
	}
}

// question is asked once, by who serves nothing.
func question(t testing.TB, client *http.Client, address, token string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+handover.Path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// webAt is where the Service "web" of namespace shop has its endpoint.
func webAt(host, port string) string { return slice("web", host, port) }

// trustingFile is a client that trusts the authorities of a file.
func trustingFile(t testing.TB, file string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("there is no authority")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
