// SPDX-License-Identifier: Apache-2.0

package clustertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// shop is web, which finds carts in a ConfigMap, and carts, which needs nobody.
const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: NS}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: NS}
data: {CARTS_URL: "http://carts"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        envFrom: [{configMapRef: {name: web}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: carts, namespace: NS}
spec:
  replicas: 0
  selector: {matchLabels: {app: carts}}
  template:
    metadata: {labels: {app: carts}}
    spec:
      containers:
      - name: carts
        image: carts:1
        ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: carts, namespace: NS}
spec:
  selector: {app: carts}
  ports: [{port: 80, targetPort: 8080}]
`

// kubectlApply applies manifests, in which NS is the namespace.
func kubectlApply(t *testing.T, namespace, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "NS", namespace)
	if _, problems, err := controlplane.Get(t).KubectlInput(t.Context(), strings.NewReader(text), "apply", "-f", "-"); err != nil {
		t.Fatalf("%v: %s", err, problems)
	}
}

// TestAClusterIsGuarded goes the whole way: policies of what the cluster has, applied
// to it, proved there by what is read back, and asked.
func TestAClusterIsGuarded(t *testing.T) {
	ns := fmt.Sprintf("guarded-%d", time.Now().UnixNano())
	kubectlApply(t, ns, shop)
	of := []string{"--cluster", "--kubeconfig", controlplane.Get(t).Kubeconfig()}
	expect := func(want int, says string, args ...string) string {
		t.Helper()
		code, out, errs := run(t, append(args, of...)...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Fatalf("%v: exit code %d, want %d and %q\n%s%s", args, code, want, says, out, errs)
		}
		return out
	}
	expect(command.ExitFindings, "missing, ", "network", "verify", "-n", ns)
	policies := filepath.Join(t.TempDir(), "policies.yaml")
	expect(command.ExitClean, "for 5 connections in 1 namespace: every one is allowed, and nothing else", "generate", "-n", ns, "--to", policies)
	text, err := os.ReadFile(policies)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("ConfigMap %s/web", ns); !strings.Contains(string(text), want) {
		t.Errorf("the reason %q is not in\n%s", want, text)
	}
	expect(command.ExitFindings, "lost: ", "network", "diff", policies)
	expect(command.ExitFindings, "blocked: Deployment "+ns+"/carts -> Deployment "+ns+"/web", "network", "explain", ns+"/carts", ns+"/web", "80", "-f", policies)
	kubectlApply(t, ns, string(text))
	expect(command.ExitClean, "Exact: ", "network", "verify", "-n", ns)
	expect(command.ExitClean, "The same connections are allowed", "network", "diff", policies)
	expect(command.ExitClean, "declared by manifest", "network", "explain", ns+"/web", ns+"/carts", "8080")
	expect(command.ExitFindings, "as NetworkPolicy "+ns+"/gatehouse-", "network", "explain", ns+"/carts", ns+"/web", "80")
	if svg := expect(command.ExitClean, "<svg", "network", "graph"); !strings.Contains(svg, ns) {
		t.Error("the namespace is not drawn")
	}
	if out := expect(command.ExitClean, "", "network", "lint"); strings.Contains(out, ns) {
		t.Errorf("lint: %s", out)
	}

	// A policy of somebody else stays, and counts.
	kubectlApply(t, ns, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: NS}
spec: {podSelector: {matchLabels: {app: carts}}, policyTypes: [Ingress], ingress: [{}]}
`)
	expect(command.ExitFindings, "policies beside these stay and count: 1", "generate", "-n", ns)
	expect(command.ExitFindings, "(opened: ", "generate", "-n", ns, "-q")

	// Nor is a plan refused for what the policies of others refuse: it is told.
	kubectlApply(t, ns, `
apiVersion: v1
kind: Namespace
metadata: {name: NS-pay}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: NS-pay}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 9090}]}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: api, namespace: NS-pay}
spec:
  replicas: 0
  selector: {app: api}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "api:1"}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: NS-pay}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: NS}
data: {CARTS_URL: "http://carts", PAY_URL: "http://api.NS-pay"}
`)
	out := expect(command.ExitFindings, "policies beside these refuse Deployment "+ns+"/web -> ReplicationController "+ns+"-pay/api TCP/9090", "generate", "-n", ns)
	if !strings.Contains(out, "port: 9090") {
		t.Errorf("the connection is not in what was written:\n%s", out)
	}
}

// TestOneNamespaceOfAClusterIsGuarded: who may read one namespace only, and no
// ConfigMaps, hears of it and gets policies of the rest; who may read nothing gets
// none.
func TestOneNamespaceOfAClusterIsGuarded(t *testing.T) {
	ns := fmt.Sprintf("narrow-%d", time.Now().UnixNano())
	kubectlApply(t, ns, shop+`
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer, namespace: NS}
rules:
- apiGroups: ["", apps, batch, networking.k8s.io, discovery.k8s.io]
  resources: [pods, services, replicationcontrollers, deployments, statefulsets, daemonsets, replicasets, jobs, cronjobs, networkpolicies, ingresses, endpointslices]
  verbs: [list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: developer, namespace: NS}
subjects: [{kind: User, name: developer, apiGroup: rbac.authorization.k8s.io}]
roleRef: {kind: Role, name: developer, apiGroup: rbac.authorization.k8s.io}
`)
	config, err := clientcmd.LoadFromFile(controlplane.Get(t).Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "developer"
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	var out, errs string
	controlplane.Eventually(t, time.Minute, "the role counts", controlplane.Holds(func() bool {
		var code int
		code, out, errs = run(t, "generate", "--cluster", "--kubeconfig", path, "-n", ns)
		return code != command.ExitFault
	}))
	for _, want := range []string{"ConfigMaps of " + ns + " may not be read", "may be read only in " + ns, "note: Nodes may not be read"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not in\n%s", want, errs)
		}
	}
	if strings.Contains(out, "TCP/8080") || !strings.Contains(out, "gatehouse-default-deny-egress") {
		t.Errorf("without its ConfigMap web connects to nothing:\n%s", out)
	}
	code, out, errs := run(t, "generate", "--cluster", "--kubeconfig", path, "-n", "default")
	if code != command.ExitFault || out != "" || !strings.Contains(errs, "Deployment.apps in default: unreadable") {
		t.Errorf("where nothing may be read: exit code %d\n%s%s", code, out, errs)
	}
	code, out, errs = run(t, "network", "graph", "--kubeconfig", path)
	if code != command.ExitFault || out != "" || !strings.Contains(errs, "say --cluster as well") {
		t.Errorf("without --cluster: exit code %d\n%s%s", code, out, errs)
	}
}
