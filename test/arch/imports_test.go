// SPDX-License-Identifier: Apache-2.0

// Package arch keeps the rules of docs/architecture.md true. A rule whose
// pattern matches nothing fails: it would test nothing.
package arch

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gatehouse-sh/gatehouse/"

// forbidden lists, for each pattern of packages, the import paths that may not
// occur anywhere in what they reach. "module/x" stands for our own x.
var forbidden = map[string][]string{
	"inventory": {
		"k8s.io/client-go", "sigs.k8s.io/controller-runtime",
		"module/checks", "module/internal", "module/webhook", "module/cmd", "module/api",
	},
	"checks/...": {
		"k8s.io/client-go", "sigs.k8s.io/controller-runtime",
		"module/internal", "module/webhook", "module/cmd", "module/api",
	},
	"internal/authz/...":      {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source", "module/internal/policy"},
	"internal/auditlog":       {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source"},
	"internal/hubble/...":     {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source", "module/internal/controller", "module/internal/command"},
	"internal/network":        {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "google.golang.org/grpc", "module/webhook", "module/internal/source", "module/internal/controller"},
	"internal/policy":         {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source"},
	"internal/backstop":       {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source"},
	"internal/endpoint":       {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "google.golang.org/grpc", "module/webhook", "module/internal/source", "module/internal/command", "module/gateway/proxy", "module/gateway/server", "module/gateway/upstream"},
	"internal/exempt":         {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source"},
	"internal/verdict":        {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source"},
	"internal/background/...": {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/internal/source", "module/internal/controller"},
	"internal/source/files":   {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook"},
	"generator/...":           {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/checks", "module/internal", "module/webhook", "module/cmd", "module/api"},
	"generator":               {"google.golang.org/grpc"},
	"generator/flows":         {"google.golang.org/grpc"},
	"generator/manifests/...": {"google.golang.org/grpc"},
	"policy-templates":        {"k8s.io", "sigs.k8s.io", "module/generator", "module/inventory", "module/checks", "module/internal", "module/webhook", "module/cmd", "module/api"},
	"generator/notation":      {"google.golang.org/grpc", "module/api", "module/generator/verify", "module/generator/manifests", "module/generator/flows"},
	"generator/intents":       {"google.golang.org/grpc", "module/generator/verify", "module/generator/manifests", "module/generator/flows"},
	"generator/netpol":        {"google.golang.org/grpc"},
	"generator/plan":          {"google.golang.org/grpc", "module/generator/netpol", "module/generator/clusterpolicy"},
	"generator/clusterpolicy": {"google.golang.org/grpc"},
	"generator/enforcer":      {"google.golang.org/grpc"},
	"generator/verify":        {"google.golang.org/grpc"},
	"webhook":                 {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/internal/source", "module/internal/command"},
	"webhook/mutation":        {"k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
	"webhook/registration":    {"k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
	"internal/convert":        {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/webhook", "module/gateway", "module/checks", "module/generator", "module/inventory", "module/internal"},
	"internal/command/...":    {"module/webhook", "sigs.k8s.io/controller-runtime"},
	"api/...":                 {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/inventory", "module/checks", "module/internal", "module/webhook"},
	"gateway/translate":       {"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "module/gateway/proxy", "module/gateway/server", "module/gateway/upstream", "module/internal", "module/webhook"},
	"gateway/ratelimit":       append([]string{"module/gateway/config", "module/gateway/request", "net/http"}, dataPlane...),
	"gateway/request":         append([]string{"module/gateway/config"}, dataPlane...),
	"cmd/...":                 {"module/test", "module/hack"},
	"gateway/kube/...":        {"sigs.k8s.io/controller-runtime", "module/webhook", "module/generator", "module/checks", "module/inventory", "module/internal/source"},
	"cmd/gatehouse-gateway":   {"sigs.k8s.io/controller-runtime", "module/checks", "module/generator", "module/inventory", "module/webhook"},
	"cmd/gatehouse-webhook":   {"module/generator"},
}

// dataPlane is what the internet-facing code never sees: Kubernetes, and the other
// parts of Gatehouse.
var dataPlane = []string{"k8s.io", "sigs.k8s.io", "module/api", "module/checks", "module/generator", "module/internal", "module/inventory", "module/webhook"}

// withCluster are the packages below gateway that know Kubernetes: the data plane is all
// others, also those that there are not yet.
var withCluster = []string{"gateway/kube", "gateway/kube/provision", "gateway/translate"}

func TestTheDataPlaneKnowsNoCluster(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", module+"gateway/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for path := range strings.FieldsSeq(string(out)) {
		if path = strings.TrimPrefix(path, module); !slices.Contains(withCluster, path) {
			patterns = append(patterns, module+path)
		}
	}
	if len(patterns) < 10 {
		t.Fatalf("there are only %d packages", len(patterns))
	}
	deps, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps"}, patterns...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(deps)) {
		for _, prefix := range dataPlane {
			if below(dep, strings.Replace(prefix, "module/", module, 1)) {
				t.Errorf("the data plane reaches %s", dep)
			}
		}
	}
}

// allowed are the exceptions: the checks of roles ask who may do what, and the
// answer takes values and returns values, as they do. Recorded flows are read line
// by line as the audit log is. Intents are read from the types of our objects
// (TestOneGeneratorPackageKnowsTheAPI).
var allowed = map[string][]string{"checks/...": {"internal/authz"}, "generator/...": {"internal/jsonlines", "api"}}

// cilium may be reached from few packages only.
const cilium = "github.com/cilium/cilium"

// withCilium are the patterns that may reach it, for the sake of
// generator/flows/relay and generator/cilium; depguard names the packages. The
// command line writes and reads Cilium's policies, and reads from a relay; the webhook has a rule of its
// own.
var withCilium = []string{"generator/...", "internal/hubble/...", "internal/command/...", "cmd/..."}

// paths is what Cilium's policies reach of client-go: it reads paths of JSON and
// knows no server.
var paths = []string{"k8s.io/client-go/util/jsonpath", "k8s.io/client-go/third_party/forked/golang/template"}

// deps returns everything that the packages of a pattern reach, without the
// packages of the standard library unless std is asked for.
func deps(t *testing.T, pattern string, flags ...string) []string {
	t.Helper()
	args := append([]string{"list", "-deps"}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, module+pattern)...)
	cmd.Stderr = nil
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	list := strings.Fields(string(out))
	if !slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(p, module) }) {
		t.Fatalf("no package matches %s: the rule tests nothing", pattern)
	}
	return list
}

func below(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func TestImportDirections(t *testing.T) {
	t.Parallel()
	if len(forbidden) == 0 {
		t.Fatal("no rules")
	}
	for pattern, prefixes := range forbidden {
		t.Run(strings.ReplaceAll(pattern, "/", "-"), func(t *testing.T) {
			t.Parallel()
			own := module + strings.TrimSuffix(pattern, "/...")
			for _, dep := range deps(t, pattern) {
				if slices.Contains(paths, dep) && slices.Contains(withCilium, pattern) {
					continue
				}
				if below(dep, own) || slices.ContainsFunc(allowed[pattern], func(path string) bool { return below(dep, module+path) }) {
					continue
				}
				for _, prefix := range prefixes {
					if rest, ours := strings.CutPrefix(prefix, "module/"); ours {
						prefix = module + rest
					}
					if below(dep, prefix) {
						t.Errorf("%s reaches %s", pattern, dep)
					}
				}
				if below(dep, cilium) && !slices.Contains(withCilium, pattern) {
					t.Errorf("%s reaches %s", pattern, dep)
				}
			}
		})
	}
}

// TestTheEngineDoesNoIO shows that the engine's own packages import nothing by
// which they could read a file, the network or the clock's passing. What ends a
// judgement is a context that the caller brings. The generator writes times that it is
// told.
func TestTheEngineDoesNoIO(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"inventory", "checks/...", "gateway/translate", "internal/convert", "internal/policy", "generator/...", "policy-templates"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}: {{join .Imports " "}}`, module+pattern)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) == 0 || lines[0] == "" {
			t.Fatalf("no package matches %s", pattern)
		}
		for _, line := range lines {
			name, imports, _ := strings.Cut(line, ":")
			for path := range strings.FieldsSeq(imports) {
				if path == "time" && (below(name, module+"generator") || below(name, module+"gateway/translate") || below(name, module+"internal/convert") || below(name, module+"checks/floor")) { // moments are values; the clock is not read
					continue
				}
				if slices.Contains([]string{"os", "net", "net/http", "time", "log", "log/slog", "syscall", "os/exec"}, path) {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
