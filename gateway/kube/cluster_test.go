// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// cluster is an API server with the Gateway API, for one test.
type cluster struct {
	*controlplane.ControlPlane
	api ctrlclient.Client
}

// definitions are the Gateway API's, as its module has them.
func definitions(t testing.TB) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "config/crd/standard/gateway.networking.k8s.io_*s.yaml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d definitions: %v", len(files), err)
	}
	return files
}

func start(t testing.TB, o controlplane.Options) *cluster {
	t.Helper()
	cp, err := controlplane.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	cfg := cp.RESTConfig()
	cfg.QPS = -1
	api, err := ctrlclient.New(cfg, ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{cp, api}
}

// install makes the Gateway API known, but for what a function leaves out.
func (c *cluster) install(t testing.TB, leave func(file string) bool) {
	t.Helper()
	for _, file := range definitions(t) {
		if leave != nil && leave(file) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c.apply(t, string(text))
	}
	controlplane.Eventually(t, time.Minute, "the Gateway API is served", controlplane.Holds(func() bool {
		return c.has(t, "HTTPRouteList") && c.has(t, "GatewayList") && c.has(t, "GatewayClassList")
	}))
}

// has tells whether the API server serves a list of the Gateway API.
func (c *cluster) has(t testing.TB, list string) bool {
	t.Helper()
	u := &unstructured.UnstructuredList{}
	u.SetAPIVersion("gateway.networking.k8s.io/v1")
	u.SetKind(list)
	return c.api.List(t.Context(), u) == nil
}

// each calls a function for each document of a text.
func each(t testing.TB, text string, do func(*unstructured.Unstructured)) {
	t.Helper()
	found := 0
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &u.Object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if len(u.Object) > 0 {
			found++
			do(u)
		}
	}
	if found == 0 {
		t.Fatal("there is no document")
	}
}

// apply makes the cluster have what a text says.
func (c *cluster) apply(t testing.TB, text string) {
	t.Helper()
	each(t, text, func(u *unstructured.Unstructured) {
		err := c.api.Patch(t.Context(), u, ctrlclient.Apply, ctrlclient.FieldOwner("test"), ctrlclient.ForceOwnership) //nolint:staticcheck // of what has no type here
		if err != nil {
			t.Fatalf("apply %s %s: %v", u.GetKind(), u.GetName(), err)
		}
	})
}

// remove deletes what a text names.
func (c *cluster) remove(t testing.TB, text string) {
	t.Helper()
	each(t, text, func(u *unstructured.Unstructured) {
		if err := c.api.Delete(t.Context(), u); err != nil && !apierrors.IsNotFound(err) {
			t.Fatalf("delete %s %s: %v", u.GetKind(), u.GetName(), err)
		}
	})
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }

func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func (l *lines) logger() logr.Logger {
	return funcr.New(func(prefix, args string) { fmt.Fprintln(l, prefix, args) }, funcr.Options{LogTimestamp: true})
}

// offset is added to ports: tests need no privilege.
const offset = 20000

// gate is a controller that serves a cluster.
type gate struct {
	log        *lines
	controller *Controller
	plane      *Local
	stop       func()
}

// serve runs a controller until the test ends. Gateways get addresses of a network of the
// loopback.
func (c *cluster) serve(t testing.TB, network string) *gate {
	t.Helper()
	return c.serveAs(t, c.limited(t), network)
}

// serveAs is serve, with a configuration of one's own.
func (c *cluster) serveAs(t testing.TB, config *rest.Config, network string) *gate {
	t.Helper()
	pool, err := ParsePool(network)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{log: &lines{}}
	g.plane = NewLocal(LocalOptions{Pool: pool, PortOffset: offset, Drain: 2 * time.Second, Log: g.log.logger(), Stdout: io.Discard})
	if g.controller, err = New(config, Options{Plane: g.plane, Log: g.log.logger()}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- g.controller.Run(ctx) }()
	var once sync.Once
	g.stop = func() {
		once.Do(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			g.plane.Close()
			if t.Failed() {
				t.Log(g.log)
			}
		})
	}
	t.Cleanup(g.stop)
	return g
}

// backend is a server of HTTP that says who it is, at an address of this machine: what is
// sent there does not leave it, and endpoints on the loopback are refused by Kubernetes.
func backend(t testing.TB, name string) (host, port string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(machine(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })}}
	s.Start()
	t.Cleanup(s.Close)
	if host, port, err = net.SplitHostPort(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return host, port
}

// machine is an address of this machine that is not of the loopback.
func machine(t testing.TB) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr().String()
		}
	}
	t.Skip("the machine has no address but the loopback's, which no EndpointSlice may have")
	return ""
}

// service is the Service "web" of namespace shop, whose only endpoint is a backend.
func service(t testing.TB) string {
	t.Helper()
	host, port := backend(t, "web")
	return "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{name: http, port: 80}]}\n---\n" + slice("web", host, port)
}

// slice is the endpoint of a Service of the namespace shop.
func slice(name, host, port string) string {
	return fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-1, namespace: shop, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: http, port: %[3]s, protocol: TCP}]
endpoints: [{addresses: [%[2]s], conditions: {ready: true}}]
`, name, host, port)
}

// get asks a Gateway at an address, and returns the status and the text of the answer.
func get(t testing.TB, c *http.Client, url, host string) (status int, text string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = host
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// answers waits until a Gateway answers so.
func answers(t testing.TB, c *http.Client, url, host string, status int, text string) {
	t.Helper()
	controlplane.Eventually(t, 20*time.Second, fmt.Sprintf("%s of %s is %d %s", url, host, status, text), func() error {
		gotStatus, got, err := get(t, c, url, host)
		if err == nil && (gotStatus != status || text != "" && got != text) {
			err = fmt.Errorf("got %d %s", gotStatus, got)
		}
		return err
	})
}

// says waits until a part of a status is as wanted, as JSON. Conditions are told by their
// types, statuses and reasons, in order.
func (c *cluster) says(t testing.TB, kind, namespace, name, want string, path ...string) {
	t.Helper()
	controlplane.Eventually(t, 20*time.Second, fmt.Sprintf("the status of %s %s", kind, name), func() error {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion("gateway.networking.k8s.io/v1")
		u.SetKind(kind)
		if err := c.api.Get(t.Context(), ctrlclient.ObjectKey{Namespace: namespace, Name: name}, u); err != nil {
			return err
		}
		part := u.Object["status"]
		for _, p := range path {
			switch at := part.(type) {
			case map[string]any:
				part = at[p]
			case []any:
				i, err := strconv.Atoi(p)
				if err != nil || i >= len(at) {
					return fmt.Errorf("there are %d of %v", len(at), path)
				}
				part = at[i]
			}
		}
		if path[len(path)-1] == "conditions" {
			part = reasons(part)
		}
		got, err := json.Marshal(part)
		if err == nil && string(got) != want {
			err = fmt.Errorf("it says %s of %v, want %s", got, path, want)
		}
		return err
	})
}

func reasons(conditions any) []string {
	var out []string
	list, _ := conditions.([]any)
	for _, c := range list {
		if m, is := c.(map[string]any); is {
			out = append(out, fmt.Sprintf("%v=%v/%v", m["type"], m["status"], m["reason"]))
		}
	}
	slices.Sort(out)
	return out
}
