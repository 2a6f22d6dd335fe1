// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// said are the check ids that an answer names, by action.
type said map[string]checks.Action

var (
	deniedLine = regexp.MustCompile(`(?m)^\* ([A-Z]+-\d{3}) `)
	warnedLine = regexp.MustCompile(`(?m)^Warning: ([A-Z]+-\d{3}) `)
)

// read finds the ids in what kubectl printed. The strictest action of an id
// counts.
func read(out string) said {
	s := said{}
	for _, m := range warnedLine.FindAllStringSubmatch(out, -1) {
		s[m[1]] = checks.Warn
	}
	for _, m := range deniedLine.FindAllStringSubmatch(out, -1) {
		s[m[1]] = checks.Deny
	}
	return s
}

// wanted finds the ids in a want section. What is only audited is not told to
// the user, and a refusal shows eight findings at the most.
func wanted(want string) said {
	s := said{}
	for line := range strings.Lines(want) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(line, " ") {
			continue
		}
		action, known := checks.ParseAction(f[0])
		if _, seen := s[f[1]]; known && !seen && action <= checks.Warn {
			s[f[1]] = action
		}
	}
	return s
}

func (s said) String() string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[id].String()+" "+id)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (s said) denied() bool {
	return slices.Contains(slices.Collect(maps.Values(s)), checks.Deny)
}

// withoutMutations leaves out what only the mutating phase says.
func (s said) withoutMutations() said {
	out := maps.Clone(s)
	maps.DeleteFunc(out, func(id string, _ checks.Action) bool { return strings.HasPrefix(id, "MUT-") })
	return out
}

// TestFixtures applies every fixture with kubectl to the real API server. The
// verdict must be the one in the fixture, with --dry-run=server as well.
func TestFixtures(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	cases, err := fixture.Load(filepath.Join(root(t), "checks", "exposure", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	ran := 0
	for i, fc := range cases {
		t.Run(fc.Check+"/"+fc.Name, func(t *testing.T) {
			if fc.Parameters != nil {
				c.kubectl(t, checkPolicy(t, fc.Parameters), "apply", "-f", "-")
				defer c.kubectl(t, "", "delete", "checkpolicy", "default")
			}
			a := &applied{cluster: c, fixture: fc, suffix: fmt.Sprintf("-%d", i)}
			defer a.clean(t)
			for id := range a.run(t) {
				fired[id] = true
			}
			ran++
		})
	}
	t.Logf("%d fixtures applied through the webhook", ran)
	for _, check := range c.set.Checks() {
		if !fired[check.ID] && check.Actions.Baseline != checks.Audit {
			t.Errorf("%s never fired through the webhook", check.ID)
		}
	}
}

// applied is one fixture in namespaces of its own.
type applied struct {
	*cluster
	fixture fixture.Case
	suffix  string
	made    []string // cluster-scoped objects to delete again: "kind/name"
}

// run brings the context about, then the object, and returns the verdict.
func (a *applied) run(t *testing.T) said {
	t.Helper()
	var setup strings.Builder
	for ns := range a.namespaces() {
		fmt.Fprintf(&setup, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n---\n", ns)
	}
	a.kubectl(t, setup.String(), "apply", "-f", "-")
	if doc := a.text("context.yaml"); doc != "" {
		a.kubectl(t, doc, "apply", "--server-side", "-f", "-")
		a.remember(a.fixture.Context...)
	}
	if doc := a.text("old.yaml"); doc != "" {
		a.kubectl(t, doc, "apply", "--server-side", "--field-manager=kubectl", "-f", "-")
	}
	a.remember(a.fixture.Object)
	for ns := range a.namespaces() {
		if ns == "shop"+a.suffix {
			a.kubectl(t, "", "label", "namespace", ns, "gatehouse.sh/admission=enforce")
		}
	}
	want := wanted(a.fixture.Want)
	var got said
	var out string
	end := time.Now().Add(10 * time.Second)
	for { // the label and the context reach the webhook by watch
		out, _ = a.try(t, a.text("object.yaml"), a.args("--dry-run=server")...)
		if got = read(out).withoutMutations(); maps.Equal(got, want) || time.Now().After(end) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !maps.Equal(got, want) {
		t.Errorf("dry run: the webhook says %s, the fixture %s\n%s", got, want, out)
		return got
	}
	out, err := a.try(t, a.text("object.yaml"), a.args()...)
	if got := read(out).withoutMutations(); !maps.Equal(got, want) {
		t.Errorf("the webhook says %s, its dry run said %s\n%s", got, want, out)
	}
	if (err != nil) != want.denied() {
		t.Errorf("denied: %v, want %v\n%s", err != nil, want.denied(), out)
	}
	return got
}

// args is the command that writes the object as the fixture's request says.
func (a *applied) args(more ...string) []string {
	args := []string{"apply", "--server-side", "--force-conflicts", "--field-manager=kubectl", "-f", "-"}
	if a.fixture.Request.Subresource != "" {
		args = []string{"replace", "--subresource=" + a.fixture.Request.Subresource, "-f", "-"}
	}
	if u := a.fixture.Request.User; u != "" {
		args = append(args, "--as="+u, "--as-group=system:masters")
		for _, g := range a.fixture.Request.Groups {
			args = append(args, "--as-group="+g)
		}
	}
	return append(args, more...)
}

// namespaces are those that the fixture's objects live in, renamed.
func (a *applied) namespaces() map[string]bool {
	out := map[string]bool{}
	for _, o := range append(slices.Clone(a.fixture.Context), a.fixture.Object) {
		if ns := o.GetNamespace(); ns != "" && !system(ns) {
			out[ns+a.suffix] = true
		}
	}
	return out
}

func system(ns string) bool {
	return ns == "default" || ns == own || strings.HasPrefix(ns, "kube-")
}

// remember lists what must be deleted after the case: cluster-scoped objects,
// and those in namespaces that all cases share.
func (a *applied) remember(objects ...inventory.Object) {
	for _, o := range objects {
		k, known := inventory.KindOf(inventory.GroupKindOf(o))
		if !known {
			continue
		}
		ref := k.Resource
		if k.Group != "" {
			ref += "." + k.Group
		}
		switch {
		case !k.Namespaced:
			if k.GroupKind.Kind != "Namespace" {
				a.made = append(a.made, ref+"/"+o.GetName())
			}
		case system(o.GetNamespace()):
			a.made = append(a.made, "-n="+o.GetNamespace()+" "+ref+"/"+o.GetName())
		}
	}
}

func (a *applied) clean(t *testing.T) {
	t.Helper()
	for _, ref := range a.made {
		a.try(t, "", append([]string{"delete", "--ignore-not-found", "--wait=false"}, strings.Fields(ref)...)...)
	}
}

// text is a section with its namespaces renamed.
func (a *applied) text(section string) string {
	doc := string(a.fixture.Section(section))
	for _, o := range append(slices.Clone(a.fixture.Context), a.fixture.Object) {
		ns := o.GetNamespace()
		if o.GetName() != "" && inventory.GroupKindOf(o).Kind == "Namespace" {
			ns = o.GetName()
		}
		if ns == "" || system(ns) || strings.Contains(doc, ns+a.suffix) {
			continue
		}
		doc = renameNamespace(doc, ns, ns+a.suffix)
	}
	return doc
}

// renameNamespace changes a namespace where YAML, a DNS name or a reference
// names one.
func renameNamespace(doc, from, to string) string {
	quoted := regexp.QuoteMeta(from)
	for _, pattern := range []string{
		`((?:namespace|kubernetes\.io/metadata\.name):\s*["']?)` + quoted + `(["'\s,}\]]|$)`,
		`(\.)` + quoted + `(\.svc|["'\s,}\]]|$)`,
	} {
		doc = regexp.MustCompile("(?mi)"+pattern).ReplaceAllString(doc, "${1}"+to+"${2}")
	}
	return doc
}

func checkPolicy(t *testing.T, parameters []byte) string {
	t.Helper()
	var p map[string]any
	if err := yaml.Unmarshal(parameters, &p); err != nil {
		t.Fatal(err)
	}
	return string(mustJSON(t, map[string]any{
		"apiVersion": "gatehouse.sh/v1alpha1", "kind": "CheckPolicy",
		"metadata": map[string]any{"name": "default"}, "spec": map[string]any{"parameters": p},
	}))
}
