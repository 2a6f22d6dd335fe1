// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
	"github.com/gatehouse-sh/gatehouse/test/registered"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// own is the namespace that the webhook believes it runs in.
const own = "gatehouse-system"

// house is a control plane of one's own, since what breaks is a part of it.
type house struct {
	*controlplane.ControlPlane
	client kubernetes.Interface
}

func newHouse(t *testing.T, flags ...string) *house {
	t.Helper()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{APIServerFlags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := cp.RESTConfig()
	config.WarningHandler = rest.NoWarnings{} // updates of a writer have many
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{cp, client}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	h.must(t, "", "apply", "--server-side", "-k", "../../manifests/crd")
	h.must(t, "", "apply", "--server-side", "-f", filepath.Join(strings.TrimSpace(string(out)), "config", "crd", "standard"))
	h.must(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	return h
}

// must runs kubectl, which must work.
func (h *house) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, errOut, err := h.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, errOut)
	}
	return out
}

// webhook registers one and runs it with a configuration, until the test ends. It waits
// until it is ready.
func (h *house) webhook(t *testing.T, config *rest.Config) {
	t.Helper()
	port, probes := program.Port(t), program.Port(t)
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	h.must(t, registered.Documents(t, set, registration.Options{Namespace: own, Service: "gatehouse-webhook", URL: fmt.Sprintf("https://127.0.0.1:%d", port), ValidateTimeout: 20, MutateTimeout: 20}), "apply", "-f", "-")
	o := serve.Options{
		Host: "127.0.0.1", Port: port, Metrics: "0", Probes: fmt.Sprintf("127.0.0.1:%d", probes),
		Namespace: own, Service: "gatehouse-webhook", Names: []string{"127.0.0.1"}, GuardGroups: []string{"system:masters"}, Registry: prometheus.NewRegistry(),
		CertInterval: 50 * time.Millisecond, CertOverlap: 300 * time.Millisecond,
	}
	controlplane.Run(t, func(ctx context.Context) error { return serve.Run(ctx, config, o, logr.Discard()) })
	controlplane.Eventually(t, patience, "the webhook is ready", func() error {
		return answered(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/readyz", probes), http.StatusOK)
	})
}

// exposed is a workload behind the gateway, whose ServiceAccount may read Secrets once
// it is bound to the Role: each object alone is harmless.
const exposed = `{apiVersion: v1, kind: Namespace, metadata: {name: %[1]s}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: %[1]s}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: web, namespace: %[1]s}, rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %[1]s}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: web, containers: [{name: web, image: registry.example.com/web:1, ports: [{containerPort: 8080}]}]}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: %[1]s}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: %[1]s}
spec:
  ingressClassName: gatehouse
  tls: [{hosts: [%[1]s.example.com]}]
  rules: [{host: %[1]s.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`
