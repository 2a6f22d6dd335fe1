// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// forged is a name that begins what looks like a line of ours, and has what a terminal
// would obey: an escape sequence and a mark that turns the writing direction.
const forged = "x\nforged: y\x1b[31m\u202e"

// hostileCommands is how each command is run over hostile names. Of those that read none
// it says why.
var hostileCommands = map[string][]string{
	"check":             {"check objects.json", "check objects.json -o table"},
	"fix":               {"fix objects.json --dry-run", "fix objects.json --diff"},
	"convert":           {"convert ingress.json", "convert ingress.json --report json", "convert ingress.json --allow-open --controller ingress-nginx", "convert ingress.json --controller HOSTILE", "convert HOSTILE", "convert ingress.json --gateway HOSTILE"},
	"exposure":          {"exposure objects.json", "exposure ingress.json -o text", "exposure ingress.json -o svg", "exposure ingress.json -o mermaid", "exposure ingress.json -o dot", "exposure objects.json -o text --secrets objects.json", "exposure objects.json --fail-on HOSTILE", "exposure HOSTILE"},
	"explain route":     {"explain route shop.example.com / -f ingress.json", "explain route HOSTILE HOSTILE -f ingress.json", "explain route shop.example.com / --header HOSTILE --method HOSTILE -f ingress.json", "explain route shop.example.com / -f HOSTILE", "explain EXP-001", "explain HOSTILE"},
	"checks list":       {"checks list HOSTILE"},
	"backstop":          {"backstop --policy objects.json", "backstop --exemptions objects.json"},
	"generate":          {"generate objects.json", "generate objects.json --keep-going --explain", "generate objects.json --template HOSTILE", "generate objects.json --keep-going --flows flows.json", "generate objects.json -n HOSTILE", "generate objects.json --dns HOSTILE --gateway HOSTILE", "generate objects.json --keep-going --dialect cilium", "generate HOSTILE"},
	"network diff":      {"network diff policies.json policies.json --against objects.json", "network diff none.json good.json --against good.json"},
	"network explain":   {"network explain shop/web HOSTILE 80 -f good.json", "network explain shop/web 192.0.2.1 80 -f good.json", "network explain shop/web shop/web 80 -f policies.json"},
	"network graph":     {"network graph -f good.json", "network graph -f policies.json", "network graph -f good.json -o dot", "network graph -f good.json -o mermaid", "network graph -f good.json -n HOSTILE"},
	"network lint":      {"network lint -f good.json", "network lint -f policies.json"},
	"network simulate":  {"network simulate -f good.json --flows flows.json", "network simulate -f good.json --flows HOSTILE"},
	"network templates": {"network templates --templates templates", "network templates HOSTILE", "network templates x --templates templates"},
	"network verify":    {"network verify policies.json --against objects.json", "network verify good.json --against good.json --keep-going"},
	"rbac can":          {"rbac can get secrets --as HOSTILE -f rbac.json", "rbac can -f rbac.json --as system:serviceaccount:shop:HOSTILE"},
	"rbac diff":         {"rbac diff HOSTILE HOSTILE", "rbac diff rbac.json rbac.json"},
	"rbac graph":        {"rbac graph -f rbac.json", "rbac graph -f rbac.json -o dot", "rbac graph -f rbac.json -o mermaid"},
	"rbac paths":        {"rbac paths -f rbac.json", "rbac paths HOSTILE -f rbac.json"},
	"rbac snapshot":     {"rbac snapshot -f rbac.json", "rbac snapshot HOSTILE"},
	"rbac suggest":      {"rbac suggest --audit-log flows.json -f rbac.json", "rbac suggest --audit-log HOSTILE -f rbac.json"},
	"rbac who-can":      {"rbac who-can get secrets -f rbac.json", "rbac who-can HOSTILE HOSTILE -f rbac.json"},
	"uninstall":         {"uninstall --context HOSTILE --kubeconfig rbac.json"},
	"version":           {"version HOSTILE"},
}

func TestNoNameFromInputBeginsALine(t *testing.T) {
	t.Parallel()
	quoted := fmt.Sprintf("%q", forged)
	quoted = strings.NewReplacer(`\x1b`, `\u001b`).Replace(quoted)
	replace := strings.NewReplacer("HOSTILE", quoted)
	workload := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":NAME,"namespace":SPACE,"annotations":{"gatehouse.sh/allow-to":HOSTILE,"gatehouse.sh/allow-from":"shop/web:80"}},` +
		`"spec":{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"hostNetwork":false,"containers":[{"name":HOSTILE,"image":HOSTILE,"env":[{"name":HOSTILE,"value":"http://10.0.0.300:80"},{"name":"U","value":"http://carts.shop:80/"}],"ports":[{"name":HOSTILE,"containerPort":80,"hostPort":80}]}]}}}}` + "\n"
	service := `{"apiVersion":"v1","kind":"Service","metadata":{"name":NAME,"namespace":"shop"},"spec":{"type":"NodePort","selector":{"app":HOSTILE},"ports":[{"name":HOSTILE,"port":80}]}}` + "\n"
	policy := `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":NAME,"namespace":"shop"},"spec":{"podSelector":{},"egress":[{"to":[{"ipBlock":{"cidr":CIDR}}]}],"policyTypes":["Ingress","Egress"]}}` + "\n"
	with := func(text string, pairs ...string) string {
		return replace.Replace(strings.NewReplacer(pairs...).Replace(text))
	}
	good := with(workload, "NAME", `"web"`, "SPACE", `"shop"`)
	files := map[string]string{
		"good.json": good + with(service, "NAME", `"carts"`) + with(policy, "NAME", "HOSTILE", "CIDR", `"192.0.2.0/24"`),
		"none.json": good,
		"objects.json": good + with(workload, "NAME", "HOSTILE", "SPACE", `"shop"`) + with(workload, "NAME", `"w"`, "SPACE", "HOSTILE") + with(service, "NAME", "HOSTILE") +
			with(`{"apiVersion":HOSTILE,"kind":HOSTILE,"metadata":{"name":HOSTILE}}`) + "\n" + with(`{"apiVersion":"v1","kind":HOSTILE,"metadata":{"name":HOSTILE},"spec":{HOSTILE:1}}`) + "\n",
		"policies.json": good + with(policy, "NAME", "HOSTILE", "CIDR", "HOSTILE"),
		"flows.json":    with(`{"verdict":"FORWARDED","source":{"namespace":HOSTILE,"pod_name":HOSTILE},"destination":{"namespace":HOSTILE,"pod_name":HOSTILE},"kind":"Event","user":{"username":HOSTILE},"verb":HOSTILE}` + "\n" + `{HOSTILE` + "\n"),
		"rbac.json": with(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":HOSTILE},"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*",HOSTILE]}]}` + "\n" +
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":HOSTILE},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":HOSTILE},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":HOSTILE},{"kind":"User","name":HOSTILE}]}` + "\n" +
			`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":HOSTILE,"namespace":"shop"}}` + "\n"),
		"ingress.json": with(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":HOSTILE,"namespace":"shop","annotations":{"nginx.ingress.kubernetes.io/auth-url":HOSTILE,"nginx.ingress.kubernetes.io/x":HOSTILE,HOSTILE:HOSTILE}},"spec":{"ingressClassName":"nginx",` +
			`"tls":[{"hosts":[HOSTILE],"secretName":HOSTILE}],"rules":[{"host":HOSTILE,"http":{"paths":[{"path":HOSTILE,"backend":{"service":{"name":HOSTILE,"port":{"name":HOSTILE}}}}]}}]}}` + "\n" +
			`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"w","namespace":"shop"},"spec":{"ingressClassName":HOSTILE}}` + "\n"),
		filepath.Join("templates", "x", "template.yaml"): with(`{"apiVersion":"gatehouse.sh/v1alpha1","kind":"PolicyTemplate","metadata":{"name":"x"},"spec":{"title":HOSTILE,"description":HOSTILE}}`),
	}
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	for _, lines := range hostileCommands {
		for _, text := range lines {
			args := strings.Fields(text)
			for i, arg := range args {
				if _, is := files[arg]; is || arg == "templates" && i > 1 {
					args[i] = filepath.Join(folder, arg)
				}
				args[i] = strings.ReplaceAll(args[i], "HOSTILE", forged)
			}
			var out, said bytes.Buffer
			Run(t.Context(), Environment{In: strings.NewReader(""), Out: &out, Err: &said, Program: "gatehouse", Getenv: func(string) string { return "" }, Now: time.Now}, args)
			both := out.String() + said.String()
			told += strings.Count(both, "forged")
			for each := range strings.SplitSeq(both, "\n") {
				if strings.HasPrefix(strings.TrimSpace(each), "forged") || strings.ContainsAny(each, "\x1b\u202e") {
					t.Errorf("%s: %q", text, each)
				}
			}
		}
	}
	if told < len(hostileCommands) {
		t.Errorf("the name is told %d times only", told)
	}
}

// TestEveryCommandIsTriedWithHostileNames: a new one, too.
func TestEveryCommandIsTriedWithHostileNames(t *testing.T) {
	t.Parallel()
	a := &app{Environment: Environment{Getenv: os.Getenv}, name: "gatehouse"}
	var names []string
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if name := strings.TrimPrefix(c.CommandPath(), "gatehouse "); len(c.Commands()) == 0 && !strings.HasPrefix(name, "completion") {
			names = append(names, name)
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(a.root())
	slices.Sort(names)
	if want := slices.Sorted(maps.Keys(hostileCommands)); !slices.Equal(names, want) || len(names) == 0 {
		t.Errorf("the commands are\n%q, tried are\n%q", names, want)
	}
}
