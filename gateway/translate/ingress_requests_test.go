// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
)

const ourClass = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: gatehouse, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: gatehouse.sh/gateway}
`

// service is a Service of the namespace shop whose one endpoint answers with its name,
// what it was asked for, and the header lines it got.
func service(t *testing.T, name string) string {
	t.Helper()
	return serviceBy(t, name, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		fmt.Fprintf(w, "%s %s %s %s\n", name, r.Method, r.Host, r.RequestURI)
		_ = r.Header.Write(w) // to a client that waits for it
	})
}

func serviceBy(t *testing.T, name string, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	return fmt.Sprintf(`---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-1, namespace: shop, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: http, port: %[3]d, protocol: TCP}]
endpoints: [{addresses: [%[2]s]}]
`, name, at.Addr(), at.Port())
}

// encoded is data of a Secret as an object has it.
func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

type weighted = config.Weighted

// served translates objects, and serves what follows for the Gateway of that name. Ask
// sends a request to a listener, whose path begins with a slash, and returns the status
// and all that was answered. The line "BODY: 10" is a body of so many bytes.
func served(t *testing.T, of Name, objects string) (ask func(listener, host, path string, lines ...string) (int, string), r *Result) {
	t.Helper()
	r = Translate(read(t, []byte(objects)), Options{
		Controller: options.Controller, Address: netip.MustParseAddr("127.0.0.1"), Port: func(gatewayv1.PortNumber) uint16 { return 0 },
	})
	if r.Snapshots[of] == nil {
		t.Fatalf("there is no snapshot of %s: %v", of, r.Events)
	}
	s := server.New(testr.NewWithInterface(t, testr.Options{}), io.Discard)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	if err := s.Apply(t.Context(), r.Snapshots[of]); err != nil {
		t.Fatal(err)
	}
	at := s.Addresses()
	return func(listener, host, path string, lines ...string) (int, string) {
		t.Helper()
		scheme, _, _ := strings.Cut(listener, "-")
		client := &http.Client{
			Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: host},
				DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, network, at[listener].String())
				},
			},
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			name, value, _ := strings.Cut(l, ": ")
			if name != "BODY" {
				request.Header.Add(name, value)
				continue
			}
			if _, err := fmt.Sscan(value, &request.ContentLength); err != nil {
				t.Fatal(err)
			}
			request.Method, request.Body = http.MethodPost, io.NopCloser(strings.NewReader(strings.Repeat("x", int(request.ContentLength))))
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var out strings.Builder
		_ = answer.Header.Write(&out)
		_, _ = io.Copy(&out, answer.Body)
		return answer.StatusCode, out.String()
	}, r
}

// TestPathsAreAsTheIngressDocumentationHasThem: every row of its table of examples of
// path types (Ingress, "Path types"), and its wildcards of hosts, by requests.
func TestPathsAreAsTheIngressDocumentationHasThem(t *testing.T) {
	t.Parallel()
	services := service(t, "a") + service(t, "b") + service(t, "c") + service(t, "rest")
	const none = ""
	for _, tc := range []struct {
		host  string
		paths string // "TYPE PATH": each has the Service of its position
		asked string // paths, or hosts if they do not begin with a slash
		want  string // "" is 404
		rest  bool   // there is a default backend
	}{
		{"", "Prefix /", "/ /a /a/b/c", "a", false},
		{"", "Exact /foo", "/foo", "a", false},
		{"", "Exact /foo", "/bar", none, false},
		{"", "Exact /foo", "/foo/", none, false},
		{"", "Exact /foo/", "/foo", none, false},
		{"", "Prefix /foo", "/foo /foo/", "a", false},
		{"", "Prefix /foo/", "/foo /foo/", "a", false},
		{"", "Prefix /aaa/bb", "/aaa/bbb", none, false},
		{"", "Prefix /aaa/bbb", "/aaa/bbb", "a", false},
		{"", "Prefix /aaa/bbb/", "/aaa/bbb", "a", false},
		{"", "Prefix /aaa/bbb", "/aaa/bbb/", "a", false},
		{"", "Prefix /aaa/bbb", "/aaa/bbb/ccc", "a", false},
		{"", "Prefix /aaa/bbb", "/aaa/bbbxyz", none, false},
		{"", "Prefix /,Prefix /aaa", "/aaa/ccc", "b", false},
		{"", "Prefix /,Prefix /aaa,Prefix /aaa/bbb", "/aaa/bbb", "c", false},
		{"", "Prefix /,Prefix /aaa,Prefix /aaa/bbb", "/ccc", "a", false},
		{"", "Prefix /aaa", "/ccc", none, false},
		{"", "Prefix /aaa", "/ccc", "rest", true},
		{"", "Prefix /foo,Exact /foo", "/foo", "b", false},

		{"*.foo.com", "Prefix /", "bar.foo.com", "a", false},
		{"*.foo.com", "Prefix /", "baz.bar.foo.com foo.com", none, false},
		{"*.foo.com", "Prefix /", "baz.bar.foo.com foo.com", "rest", true},
		{"foo.com", "Prefix /", "foo.com", "a", false},
		{"foo.com", "Prefix /", "bar.foo.com", none, false},
	} {
		t.Run(tc.host+" "+tc.paths+" asked for "+tc.asked, func(t *testing.T) {
			t.Parallel()
			ingress := "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec:\n"
			if tc.rest {
				ingress += "  defaultBackend: {service: {name: rest, port: {number: 80}}}\n"
			}
			ingress += fmt.Sprintf("  rules:\n  - host: %q\n    http:\n      paths:\n", tc.host)
			for n, path := range strings.Split(tc.paths, ",") {
				of, path, _ := strings.Cut(path, " ")
				ingress += fmt.Sprintf("      - {path: %s, pathType: %s, backend: {service: {name: %c, port: {name: http}}}}\n", path, of, 'a'+n)
			}
			ask, r := served(t, Builtin("gatehouse"), ourClass+services+ingress)
			if len(r.Events) > 0 {
				t.Error(r.Events)
			}
			for asked := range strings.FieldsSeq(tc.asked) {
				host, path := "any.example.com", asked
				if !strings.HasPrefix(asked, "/") {
					host, path = asked, "/"
				}
				status, got := ask("http-80", host, path)
				if by := strings.Contains(got, "\r\n"+tc.want+" GET ") || strings.Contains(got, tc.want+" GET "+host); tc.want == none && status != http.StatusNotFound || tc.want != none && (status != http.StatusOK || !by) {
					t.Errorf("%s%s: %d %s", host, path, status, got)
				}
			}
		})
	}
}
