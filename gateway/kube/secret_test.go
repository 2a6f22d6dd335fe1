// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

const secured = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tls, namespace: shop}
spec:
  gatewayClassName: gatehouse
  listeners:
  - {name: own, port: 443, protocol: HTTPS, hostname: own.example.com, tls: {certificateRefs: [{name: own}]}}
  - {name: granted, port: 444, protocol: HTTPS, tls: {certificateRefs: [{name: lent, namespace: team}]}}
  - {name: ended, port: 445, protocol: HTTPS, tls: {certificateRefs: [{name: ended}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: tls, namespace: shop}
spec:
  parentRefs: [{name: tls}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: team}
---
`

const lending = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: lent, namespace: team}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: shop}]
  to: [{group: "", kind: Secret, name: lent}]
`

// certificate is a Secret.
func certificate(t testing.TB, namespace, name string, c tls.Certificate) string {
	t.Helper()
	cert, key := pki.Encode(t, c)
	data, err := json.Marshal(map[string]string{"tls.crt": string(cert), "tls.key": string(key)})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\ntype: kubernetes.io/tls\nstringData: %s\n---\n", name, namespace, data)
}

// trusting is a client that knows an authority, and asks by one connection each time.
func trusting(a *pki.Authority, name string) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.Cert)
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}}, Timeout: 5 * time.Second}
}

// refuses waits until no handshake can be made with a Gateway.
func refuses(t testing.TB, limit time.Duration, c *http.Client, url, host string) {
	t.Helper()
	controlplane.Eventually(t, limit, url+" is not served", func() error {
		if status, text, err := get(t, c, url, host); err == nil {
			return fmt.Errorf("got %d %s", status, text)
		}
		return nil
	})
}

// TestOnlySecretsThatAreReferredToAreRead follows certificates by the wire and the
// requests for Secrets by the log of the API server, with the rights of the manifests.
func TestOnlySecretsThatAreReferredToAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, policy := filepath.Join(dir, "audit.log"), filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- {level: Metadata, resources: [{group: '', resources: [secrets, configmaps]}]}\n- {level: None}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, controlplane.Options{APIServerFlags: []string{"--audit-policy-file=" + policy, "--audit-log-path=" + log}})
	c.install(t, nil)
	g := c.serveAs(t, c.limited(t, "shop", "team"), "127.0.21.1-127.0.21.9")
	first, second := pki.New(t, "first"), pki.New(t, "second")
	c.apply(t, shop+service(t)+"---\n"+secured)
	c.apply(t, certificate(t, "team", "lent", first.For(t, "granted.example.com"))+certificate(t, "team", "other", first.For(t, "a"))+certificate(t, "shop", "unnamed", first.For(t, "a")))
	c.apply(t, certificate(t, "shop", "ended", first.Sign(t, func(c *x509.Certificate) {
		c.DNSNames, c.NotBefore, c.NotAfter = []string{"ended.example.com"}, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})))
	const own, granted, ended = "https://127.0.21.2:20443/", "https://127.0.21.2:20444/", "https://127.0.21.2:20445/"
	listener := func(i int, want string) {
		t.Helper()
		c.says(t, "Gateway", "shop", "tls", want, "listeners", fmt.Sprint(i), "conditions")
	}
	const missing = `["Accepted=True/Accepted","Conflicted=False/NoConflicts","Programmed=False/Invalid","ResolvedRefs=False/%s"]`
	const well = `["Accepted=True/Accepted","Conflicted=False/NoConflicts","Programmed=True/Programmed","ResolvedRefs=True/ResolvedRefs"]`
	listener(0, fmt.Sprintf(missing, "InvalidCertificateRef"))
	listener(1, fmt.Sprintf(missing, "RefNotPermitted"))
	refuses(t, 5*time.Second, trusting(first, "own.example.com"), own, "own.example.com")

	c.apply(t, certificate(t, "shop", "own", first.For(t, "own.example.com")))
	answers(t, trusting(first, "own.example.com"), own, "own.example.com", 200, "web")
	listener(0, well)
	refuses(t, 5*time.Second, trusting(first, "ended.example.com"), ended, "ended.example.com")

	c.apply(t, certificate(t, "shop", "own", second.For(t, "own.example.com")))
	answers(t, trusting(second, "own.example.com"), own, "own.example.com", 200, "web")

	c.apply(t, lending)
	answers(t, trusting(first, "granted.example.com"), granted, "granted.example.com", 200, "web")
	listener(1, well)
	c.remove(t, lending)
	refuses(t, 2*time.Second, trusting(first, "granted.example.com"), granted, "granted.example.com")
	listener(1, fmt.Sprintf(missing, "RefNotPermitted"))

	c.remove(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: own, namespace: shop}\n")
	refuses(t, 5*time.Second, trusting(second, "own.example.com"), own, "own.example.com")
	g.stop()
	if got, want := asked(t, log), []string{"list or watch secrets shop/ended", "list or watch secrets shop/own", "list or watch secrets team/lent"}; !slices.Equal(got, want) {
		t.Errorf("the gateway asked for\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// asked are what the gateway asked of Secrets and ConfigMaps, each once.
func asked(t testing.TB, log string) []string {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Verb       string
			RequestURI string
			User       struct{ Username string }
			Imp        *struct{ Username string }                 `json:"impersonatedUser"`
			Ref        struct{ Resource, Namespace, Name string } `json:"objectRef"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if e.Imp == nil || e.Imp.Username != account {
			continue
		}
		verb := e.Verb
		if verb == "list" || verb == "watch" {
			verb = "list or watch"
		}
		if _, name, is := strings.Cut(e.RequestURI, "fieldSelector=metadata.name%3D"); is {
			e.Ref.Name, _, _ = strings.Cut(name, "&")
		}
		found[fmt.Sprintf("%s %s %s/%s", verb, e.Ref.Resource, e.Ref.Namespace, e.Ref.Name)] = true
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range found {
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// account is who the gateway is to the API server.
const account = "system:serviceaccount:gatehouse-system:gatehouse-gateway"

// limited is a configuration with the rights that the manifests give, and with that to
// read the Secrets of some namespaces.
func (c *cluster) limited(t testing.TB, namespaces ...string) *rest.Config {
	t.Helper()
	c.apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: gatehouse-system}\n")
	for _, file := range []string{"rbac.yaml", "references.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../manifests/gateway", file))
		if err != nil {
			t.Fatal(err)
		}
		c.apply(t, string(text))
	}
	for _, n := range namespaces {
		c.apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gatehouse-gateway, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gatehouse-gateway-references}
subjects: [{kind: ServiceAccount, name: gatehouse-gateway, namespace: gatehouse-system}]
`, n))
	}
	out := c.RESTConfig()
	out.Impersonate = rest.ImpersonationConfig{UserName: account, Groups: []string{"system:serviceaccounts", "system:authenticated"}}
	return out
}
