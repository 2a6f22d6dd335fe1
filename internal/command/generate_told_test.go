// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBlocksWithoutRangesOfPodsAreToldOnce: of every enforcer by which blocks hold pods.
func TestBlocksWithoutRangesOfPodsAreToldOnce(t *testing.T) {
	t.Parallel()
	blocks := make([]string, 40)
	for i := range blocks {
		blocks[i] = fmt.Sprintf("198.51.100.%d:443", i)
	}
	file := filepath.Join(t.TempDir(), "app.yaml")
	text := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","annotations":{"gatehouse.sh/allow-to":"` + strings.Join(blocks, ",") + `"}},` +
		`"spec":{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, enforcer := range []string{"aws-vpc-cni", "calico", "gke", "ovn-kubernetes"} {
		for flag, code := range map[string]int{"--keep-going": ExitFindings, "--quiet": ExitFault} {
			var out, said bytes.Buffer
			got := Run(t.Context(), Environment{Out: &out, Err: &said, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, []string{"generate", file, "--enforcer", enforcer, "--dns", "kube-system/k8s-app=kube-dns", flag})
			if got != code || strings.Count(said.String(), "--pod-cidr") != 1 || !strings.Contains(said.String(), ": 40 connections (") || !strings.Contains(said.String(), " and 37 more): ") {
				t.Errorf("%s %s: exit %d:\n%s", enforcer, flag, got, said.String())
			}
		}
	}
}

// told runs a command over files of some texts, by their names, and returns what it says
// on the standard error, and its exit code. The folder is not part of what is said.
func told(t *testing.T, files map[string]string, args ...string) (string, int) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, arg := range args {
		if _, is := files[arg]; is {
			args[i] = filepath.Join(folder, arg)
		}
	}
	var out, said bytes.Buffer
	code := Run(t.Context(), Environment{In: strings.NewReader(""), Out: &out, Err: &said, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, args)
	return strings.ReplaceAll(said.String(), folder+string(filepath.Separator), ""), code
}

// workloadSaying is a Deployment shop/NAME with an annotation gatehouse.sh/allow-to.
func workloadSaying(name, to string) string {
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":%q,"namespace":"shop","annotations":{"gatehouse.sh/allow-to":%q}},`+
		`"spec":{"selector":{"matchLabels":{"app":%[1]q}},"template":{"metadata":{"labels":{"app":%[1]q}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`, name, to) + "\n"
}

// TestWhatCannotBeSaidIsToldOnce: and what is missing for another reason still is.
func TestWhatCannotBeSaidIsToldOnce(t *testing.T) {
	t.Parallel()
	app := map[string]string{"app.yaml": workloadSaying("web", "api.example.com:443,db.example.com:5432")}
	said, code := told(t, app, "generate", "app.yaml", "--dns", "kube-system/k8s-app=kube-dns")
	if code != ExitFault || strings.Count(said, "-> api.example.com TCP/443") != 1 || strings.Count(said, "-> db.example.com TCP/5432") != 1 || strings.Contains(said, "would be refused") {
		t.Errorf("exit %d:\n%s", code, said)
	}
	app["app.yaml"] = workloadSaying("web", "api.example.com:443,169.254.169.254:80")
	said, code = told(t, app, "generate", "app.yaml", "--dns", "kube-system/k8s-app=kube-dns", "--template", "deny-metadata", "--enforcer", "calico", "--pod-cidr", "10.0.0.0/8")
	if code != ExitFault || strings.Count(said, "api.example.com") != 1 || strings.Count(said, "would be refused: ") != 1 || !strings.Contains(said, "-> 169.254.169.254 TCP/80 (egress denied by ClusterNetworkPolicy gatehouse-deny-metadata") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

// TestAFaultOfAPolicyIsToldOnce: as a fault where policies are read, and as a doubt where
// they do not count.
func TestAFaultOfAPolicyIsToldOnce(t *testing.T) {
	t.Parallel()
	objects := map[string]string{
		"app.yaml": workloadSaying("web", "192.0.2.1:443"),
		"policy.yaml": `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, namespace: shop}
spec:
  podSelector: {}
  tpye: [Ingress]
  ingress:
  - from: [{ipBlock: {cidr: 10.0.0.0/33}}]
`,
	}
	for command, kind := range map[string]string{
		"network lint -f app.yaml -f policy.yaml":                           "error: ",
		"network explain shop/web 192.0.2.1 443 -f app.yaml -f policy.yaml": "error: ",
		"network graph -f app.yaml -f policy.yaml":                          "error: ",
		"network verify policy.yaml --against app.yaml":                     "error: ",
		"network diff app.yaml policy.yaml --against app.yaml":              "error: ",
		"network diff app.yaml policy.yaml":                                 "error: ",
		"network diff app.yaml app.yaml --against policy.yaml":              "warning: ",
		"generate app.yaml policy.yaml":                                     "warning: ",
		"network verify app.yaml --against app.yaml --against policy.yaml":  "warning: ",
	} {
		said, _ := told(t, objects, strings.Fields(command)...)
		if strings.Count(said, "ipBlock.cidr") != 1 || !strings.Contains(said, kind+"policy.yaml:8: NetworkPolicy shop/x: spec.ingress[0].from[0].ipBlock.cidr: ") {
			t.Errorf("%s: the block is not told once, as %q:\n%s", command, kind, said)
		}
		if strings.Count(said, "warning: policy.yaml:6: ") != 1 {
			t.Errorf("%s: the field is not told once:\n%s", command, said)
		}
	}
}

// TestAPictureIsNotTooLarge: it is of namespaces then, and says how to see workloads.
func TestAPictureIsNotTooLarge(t *testing.T) {
	t.Parallel()
	var app strings.Builder
	for i := range 301 {
		app.WriteString(workloadSaying(fmt.Sprintf("web-%d", i), "192.0.2.1:443"))
	}
	files := map[string]string{"app.yaml": app.String()}
	for _, output := range []string{"svg", "mermaid", "dot"} {
		said, code := told(t, files, "network", "graph", "-f", "app.yaml", "-o", output)
		if code != ExitClean || strings.Contains(said, "each namespace is one box: --namespace draws the workloads of some") != (output != "dot") {
			t.Errorf("%s: exit %d:\n%s", output, code, said)
		}
	}
	said, code := told(t, files, "network", "graph", "-f", "app.yaml", "-n", "shop")
	if code != ExitFault || !strings.Contains(said, "the picture would have 301 boxes and 0 lines, and one of more than 300 and 1000 cannot be read: --namespace chooses what is drawn, and -o dot has everything") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

// TestWhoIsNotTheAPIServerIsTold: also where that is why nothing is written.
func TestWhoIsNotTheAPIServerIsTold(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"app.yaml": workloadSaying("web", "api-server"),
		"slice.yaml": `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: mine, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [203.0.113.66]}]
ports: [{port: 443}]
`,
	}
	const want = "problem: slice.yaml:1: api-server: EndpointSlice default/mine names addresses of it, which do not count: those of API servers are named kubernetes, "
	for flag, code := range map[string]int{"--quiet": ExitFault, "--api-server=192.0.2.1": ExitFindings} {
		if said, got := told(t, files, "generate", "app.yaml", "slice.yaml", flag); got != code || strings.Count(said, want) != 1 {
			t.Errorf("%s: exit %d:\n%s", flag, got, said)
		}
	}
}

// TestOnlyConnectionsOfGuardedNamespacesAreTold: --namespace narrows the table and the count.
func TestOnlyConnectionsOfGuardedNamespacesAreTold(t *testing.T) {
	t.Parallel()
	const two = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: %s, annotations: {gatehouse.sh/allow-to: "198.51.100.1:443"}}, ` +
		`spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {dnsPolicy: Default, containers: [{name: c, image: i}]}}}}`
	file := filepath.Join(t.TempDir(), "two.yaml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(two+"\n---\n"+two, "n1", "n2")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args  []string
		rows  int
		count string
	}{
		"of all": {nil, 2, " for 2 connections in 2 namespaces: "},
		"of one": {[]string{"-n", "n2"}, 1, " for 1 connection in 1 namespace: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, said bytes.Buffer
			args := append([]string{"generate", file, "--explain"}, tc.args...)
			Run(t.Context(), Environment{In: strings.NewReader(""), Out: &out, Err: &said, Program: "gatehouse", Getenv: os.Getenv, Now: time.Now}, args)
			if got := strings.Count(out.String(), "\nDeployment "); got != tc.rows || !strings.Contains(said.String(), tc.count) {
				t.Errorf("%d rows, want %d, and %q:\n%s%s", got, tc.rows, tc.count, out.String(), said.String())
			}
		})
	}
}
