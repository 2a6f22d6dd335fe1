// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const exposed = `
apiVersion: v1
kind: Namespace
metadata: {name: NS}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: NS}
spec: {controller: gatehouse.sh/gateway}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: NS}
spec:
  ingressClassName: NS
  tls: [{hosts: [NS.example.com], secretName: web}]
  rules:
  - host: NS.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NS}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
`

// TestAClusterIsExposed: what is reachable, and the end of a certificate only when its
// Secret may be read.
func TestAClusterIsExposed(t *testing.T) {
	ns := fmt.Sprintf("exposed-%d", time.Now().UnixNano())
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().AddDate(1, 0, 0)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{ns + ".example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: end}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(kind string, data []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
	}
	kubectlApply(t, ns, exposed)
	apply(t, schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, ns, fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: web}, type: kubernetes.io/tls, data: {tls.crt: %s, tls.key: %s}}`,
		encoded("CERTIFICATE", cert), encoded("PRIVATE KEY", key)))
	of := []string{"--kubeconfig", controlplane.Get(t).Kubeconfig(), "-q"}
	for name, tc := range map[string]struct {
		args []string
		code int
		want []string
		not  string
	}{
		"without Secrets": {[]string{"exposure", "-n", ns, "-o", "text"}, command.ExitClean, []string{
			"https://" + ns + ".example.com\n", "Service " + ns + "/web (NodePort), past the gateway", "Secret " + ns + "/web: unknown (no Secret of a cluster is read without --read-secrets)",
		}, end.Format(time.DateOnly)},
		"with Secrets": {[]string{"exposure", "-n", ns, "-o", "text", "--read-secrets"}, command.ExitClean, []string{
			"Secret " + ns + "/web: valid, until " + end.UTC().Format(time.DateOnly),
		}, "unknown (no Secret"},
		"a request": {[]string{"explain", "route", ns + ".example.com", "/a/../b", "--port", "443"}, command.ExitClean, []string{
			"https://" + ns + ".example.com/b\n", "Ingress " + ns + "/web",
		}, "404"},
		"a request of nobody": {[]string{"explain", "route", "other." + ns + ".example.com", "/", "--port", "443"}, command.ExitFindings, []string{"404 no-route"}, "Ingress " + ns + "/web rules"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, said := run(t, append(tc.args, of...)...)
			if code != tc.code || said != "" {
				t.Errorf("exit %d, want %d: %s", code, tc.code, said)
			}
			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing:\n%s", want, out)
				}
			}
			if strings.Contains(out, tc.not) {
				t.Errorf("%q is there:\n%s", tc.not, out)
			}
		})
	}
}
