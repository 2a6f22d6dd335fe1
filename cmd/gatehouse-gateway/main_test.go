// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/pki"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheConfigurationsOfTheDocumentationAreInOrder(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllSubmatch(page, -1)
	if len(blocks) == 0 {
		t.Fatal("the page has no configuration")
	}
	for _, b := range blocks {
		var out, errs bytes.Buffer
		file := write(t, string(b[1]))
		beside(t, filepath.Dir(file))
		for name, content := range map[string]string{ // that the page says how to make
			"keys.txt":       "ci:" + strings.Repeat("0a", 32) + " scope=orders.read\n",
			"users.htpasswd": "ann:$2y$12$" + strings.Repeat("a", 53) + "\n",
		} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if code := run(t.Context(), []string{"--check", "--config", file}, &out, &errs); code != 0 || !strings.Contains(out.String(), ": in order (listeners: ") || errs.Len() > 0 {
			t.Errorf("exit code %d: %s%s", code, &out, &errs)
		}
	}
}

// beside puts the files that the documentation names into a folder.
func beside(t *testing.T, folder string) {
	t.Helper()
	a := pki.New(t, "authority")
	cert, key := pki.Encode(t, a.For(t, "shop.example.com"))
	for name, content := range map[string][]byte{
		"shop.crt": cert, "shop.key": key, "gateway.crt": cert, "gateway.key": key, "clients.pem": a.PEM, "backends.pem": a.PEM,
		"clients.crl": a.Revoke(t, time.Now().Add(time.Hour)),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestArgumentsAreChecked(t *testing.T) {
	t.Parallel()
	bad := write(t, "listeners: [{name: a, protocol: HTTP}]\nroutes: [{name: r}]\n")
	mixed := write(t, "listeners: [{name: a, address: '127.0.0.1:1', protocol: HTTPS, tls: {certificates: [shop]}}]\ncertificates: [{name: shop, certFile: clients.pem, keyFile: shop.key}]\n")
	beside(t, filepath.Dir(mixed))
	vain := write(t, "listeners: [{name: a, address: '127.0.0.1:1', protocol: HTTP}]\nbackends:\n- {name: b}\n")
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"what nothing names":                    {[]string{"--check", "--config", vain}, 0, "warning: " + vain + `:3: backends[0]: nothing names the backend "b"` + "\n" + vain + ": in order ("},
		"none":                                  {nil, 2, "--config, --kubernetes or --control is missing"},
		"one too many":                          {[]string{"--config", "x", "y"}, 2, `unexpected argument "y"`},
		"an unknown one":                        {[]string{"--nope"}, 2, "flag provided but not defined"},
		"a file and a cluster":                  {[]string{"--config", "x", "--kubernetes"}, 2, "--kubernetes goes with neither"},
		"a cluster that is not":                 {[]string{"--kubernetes", "--kubeconfig", "/nowhere/x"}, 1, "find the cluster: "},
		"addresses that are not":                {[]string{"--kubernetes", "--addresses", "192.0.2.9-192.0.2.1"}, 2, "--addresses: \"192.0.2.9-192.0.2.1\": it ends before it begins"},
		"what is no address, in statuses":       {[]string{"--kubernetes", "--status-addresses", "0.0.0.0"}, 2, "--status-addresses: \"0.0.0.0\" is neither"},
		"statuses beside addresses":             {[]string{"--kubernetes", "--addresses", "192.0.2.9", "--status-addresses", "192.0.2.10"}, 2, "--status-addresses: it goes without --addresses"},
		"a file and a control plane":            {[]string{"--config", "x", "--control", "a:1", "--ca", "x", "--token", "x"}, 2, "--control goes with neither"},
		"a control plane without a port":        {[]string{"--control", "a", "--ca", "x", "--token", "x"}, 2, "--control HOST:PORT needs"},
		"a control plane that anybody could be": {[]string{"--control", "a:1", "--token", "x"}, 2, "needs --ca and --token"},
		"a Secret of no namespace":              {[]string{"--kubernetes", "--hand-over", ":1", "--hand-over-secret", "x"}, 2, "--hand-over-secret: NAMESPACE/NAME"},
		"a control plane at no port":            {[]string{"--kubernetes", "--hand-over", ":1", "--hand-over-at", "x"}, 2, "--hand-over-at: HOST:PORT"},
		"data planes of no image":               {[]string{"--kubernetes", "--hand-over", ":1", "--image", ""}, 2, "--image: it is empty"},
		"a token for nobody":                    {[]string{"--token", "x", "--config", "x"}, 2, "needs --ca and --token"},
		"an offset too far":                     {[]string{"--kubernetes", "--port-offset", "70000"}, 2, "--port-offset: 70000 is more than 65535"},
		"no interval":                           {[]string{"--config", "x", "--poll", "0s"}, 2, "lengths of time"},
		"a negative length of time":             {[]string{"--control", "a:1", "--ca", "x", "--token", "x", "--linger", "-1s"}, 2, "lengths of time"},
		"a file that nobody sends clients to":   {[]string{"--config", "x", "--linger", "1s"}, 2, "--linger goes with"},
		"help":                                  {[]string{"--help"}, 0, "Usage: gatehouse-gateway --config FILE"},
		"the version":                           {[]string{"--version"}, 0, "gatehouse-gateway v"},
		"a file that is not":                    {[]string{"--config", "/nowhere/x"}, 1, "no such file"},
		"a key of another":                      {[]string{"--check", "--config", mixed}, 1, mixed + ":2: certificates[0].certFile: certificate shop: tls: private key does not match public key\n"},
		"a file with two flaws":                 {[]string{"--check", "--config", bad}, 1, bad + ":1: listeners[0].address: it is missing: an address with a port, such as 0.0.0.0:8443 or [::]:8443\n" + bad + ":2: routes[0]: it has neither or both of backends and a redirect\n"},
	} {
		var both bytes.Buffer
		if code := run(t.Context(), tc.args, &both, &both); code != tc.code || !strings.Contains(both.String(), tc.says) {
			t.Errorf("%s: exit code %d: %s", name, code, &both)
		}
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }

func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func TestAFileThatChangesIsServed(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "asked for ", r.URL.Path) }))
	t.Cleanup(backend.Close)
	address := program.Free(t)
	text := func(prefix string) string {
		return fmt.Sprintf("listeners: [{name: web, address: %q, protocol: HTTP}]\nroutes: [{name: r, matches: [{path: {prefix: %s}}], backends: [{name: b}]}]\nbackends: [{name: b, endpoints: [%q]}]\n", address, prefix, backend.Listener.Addr())
	}
	file, log := write(t, text("/a")), &lines{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"--config", file, "--poll", "10ms", "--drain", "100ms"}, log, log) }()
	status := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, err.Error()
		}
		return res.StatusCode, string(body)
	}
	eventually := func(path string, want int) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; {
			got, body := status(path)
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: got %d %s, want %d\n%s", path, got, body, want, log)
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	change := func(text string) {
		t.Helper()
		if err := os.Rename(write(t, text), file); err != nil { // a file that is half written has a fault, too
			t.Fatal(err)
		}
	}
	eventually("/a/x", 200)
	change(text("/b"))
	eventually("/b", 200)
	change("listeners: 3\n")
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), "the last good one stays"); {
		if time.Now().After(deadline) {
			t.Fatalf("the fault is not told: %s", log)
		}
		<-time.After(10 * time.Millisecond)
	}
	eventually("/b", 200)
	change(text("/c"))
	eventually("/c", 200)
	stop()
	if code := <-ended; code != 0 || strings.Count(log.String(), "the last good one stays") != 1 {
		t.Errorf("exit code %d: %s", code, log)
	}
}
