// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// neverRefusing are the checks that cannot fire while something is written.
var neverRefusing = map[string]string{
	"RBAC-015": "is about what the cluster has already",
	"RBAC-085": "is about kube-system, where nothing is judged when it is written",
	"SA-014":   asksForRights["SA-014"],
}

// asksForRights are the checks that ask what the writer may do. Whoever applies a
// fixture here may do everything.
var asksForRights = map[string]string{
	"SA-014": "an administrator may run pods as any account",
}

// TestFixtures asks for the verdict on every fixture in three ways: it applies it
// with kubectl to the real API server, which asks the webhook, also with
// --dry-run=server; it has the background scan judge it as an object of the
// inventory; and it runs `gatehouse check` on it. All must say what the engine
// says, which must be what the fixture says. Of a stored object and of a file it is not known who wrote it, through
// which subresource, or what it was before: an update is judged as a creation by
// these two, and fixtures that depend on the rest are counted and left out, as
// are those that the real cluster cannot take.
func TestFixtures(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	fired := map[string]bool{}
	counts := map[string]*agreement{}
	for i, fc := range loadAllFixtures(t) {
		pkg := packageOf(fc)
		if counts[pkg] == nil {
			counts[pkg] = &agreement{}
		}
		n := counts[pkg]
		n.fixtures++
		t.Run(pkg+"/"+fc.Check+"/"+fc.Name, func(t *testing.T) {
			faithful(t, c.set, fc)
			c.askWebhook(t, n, fc, i, fired)
			askScan(t, c.set, n, fc)
			askCommandLine(t, c.set, n, fc)
		})
	}
	tabulate(t, counts)
	for _, check := range c.set.Checks() {
		if !fired[check.ID] && neverRefusing[check.ID] == "" {
			t.Errorf("%s never fired through the webhook", check.ID)
		}
	}
}

// packageOf names the package of a fixture: checks/<package>/testdata/<id>/<name>.
func packageOf(fc fixture.Case) string {
	return filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(fc.Path))))
}

// askWebhook applies a fixture: first as a dry run, by the API, until the watches
// have caught up, and then for good.
func (c *cluster) askWebhook(t *testing.T, n *agreement, fc fixture.Case, i int, fired map[string]bool) {
	t.Helper()
	if fc.Request.Stored || !applicable(fc) {
		n.webhook.left++
		return
	}
	if doc, has := ownPolicy(t, fc); has {
		c.kubectl(t, doc, "apply", "-f", "-")
		defer c.kubectl(t, "", "delete", "checkpolicy", "default")
	}
	a := &applied{cluster: c, fixture: fc, suffix: fmt.Sprintf("-%d", i)}
	defer a.clean(t)
	a.prepare(t)
	want := engine(t, c.set, fc, asking{request: admin(fc.Request)})
	if ns := fc.Object.GetNamespace(); ns != "" && system(ns) {
		want = said{} // nothing is judged there
	}
	var got said
	var out string
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out = a.dryRun(t)
		if got = read(out).withoutMutations(); maps.Equal(got, want) || time.Now().After(end) {
			break
		}
	}
	for id := range got {
		fired[id] = true
	}
	n.webhook.add(got, want)
	if !maps.Equal(got, want) {
		t.Errorf("dry run: the webhook says %s, the engine %s\n%s", got, want, out)
		return
	}
	out, err := a.write(t)
	if got := read(out).withoutMutations(); !maps.Equal(got, want) || (err != nil) != want.denied() {
		t.Errorf("the webhook says %s, its dry run said %s, error %v\n%s", got, want, err, out)
	}
}

// asking is how a fixture is put to the engine.
type asking struct {
	request checks.Request
	create  bool                     // as if the object were new
	modeOf  func(string) policy.Mode // of the namespaces that a cluster-scoped object harms
}

// engine is the verdict of all checks on a fixture.
func engine(t *testing.T, set *checks.Set, fc fixture.Case, how asking) said {
	t.Helper()
	return wanted(fixture.Render(judged(t, set, fc, how)))
}

// judged is the verdict that engine words.
func judged(t *testing.T, set *checks.Set, fc fixture.Case, how asking) policy.Verdict {
	t.Helper()
	p, in, err := fc.Under(set)
	if err != nil {
		t.Fatal(err)
	}
	if how.create {
		in.Old = nil
	}
	mode := policy.Enforce
	if in.Object.GetNamespace() == "" {
		mode = p.ClusterMode
	}
	return verdict.Judge{Policy: p}.Of(verdict.Question{
		Object: in.Object, Old: in.Old, Inventory: in.Inventory, Held: true, Request: how.request, Mode: mode, ModeOf: how.modeOf,
	})
}

// faithful fails unless the engine says what a fixture says: that is what the
// checks of its own package find.
func faithful(t *testing.T, set *checks.Set, fc fixture.Case) {
	t.Helper()
	got := engine(t, set, fc, asking{request: fc.Request})
	maps.DeleteFunc(got, func(id string, _ checks.Action) bool {
		prefix, _, _ := strings.Cut(id, "-")
		return !slices.Contains(prefixes[packageOf(fc)], prefix)
	})
	if want := wanted(fc.Want); !maps.Equal(got, want) {
		t.Errorf("the engine says %s, the fixture %s", got, want)
	}
}

// admin is who writes where a fixture does not say.
func admin(r checks.Request) checks.Request {
	if r.User == "" {
		r.User, r.Groups = "admin", []string{"system:masters", "system:authenticated"}
	}
	return r
}

// prefixes are those of the ids of a package's checks.
var prefixes = map[string][]string{"exposure": {"EXP", "SELF"}, "privilege": {"RBAC", "SA"}, "blast": {"XR"}}

// ownPolicy is the CheckPolicy that a fixture is judged under; false: the defaults.
func ownPolicy(t *testing.T, fc fixture.Case) (string, bool) {
	t.Helper()
	spec, err := fc.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if spec == nil {
		return "", false
	}
	return string(mustJSON(t, map[string]any{
		"apiVersion": "gatehouse.sh/v1alpha1", "kind": "CheckPolicy", "metadata": map[string]any{"name": "default"}, "spec": spec,
	})), true
}

// applicable reports whether a fixture is about what the webhook is asked about and
// can know, and is no change of what every cluster has.
func applicable(fc fixture.Case) bool {
	isSecret := func(o inventory.Object) bool { return inventory.GroupKindOf(o) == inventory.SecretKind }
	switch {
	case asksForRights[fc.Check] != "":
		return false
	case slices.ContainsFunc(fc.Context, isSecret):
		return false // the Secrets of a cluster are not read
	case packageOf(fc) == "exposure":
		return true
	}
	return !builtIn(fc.Object) && !slices.ContainsFunc(append(slices.Clone(fc.Context), fc.Object), func(o inventory.Object) bool { return system(o.GetNamespace()) })
}

// builtIn reports whether an object is one that every cluster has.
func builtIn(o inventory.Object) bool {
	k := inventory.KeyOf(o)
	rbac := slices.Contains([]schema.GroupKind{inventory.ClusterRoleKind, inventory.ClusterBindingKind}, k.Kind)
	return rbac && (slices.Contains([]string{"admin", "edit", "view", "cluster-admin"}, k.Name) || strings.HasPrefix(k.Name, "system:")) ||
		o.GetLabels()["kubernetes.io/bootstrapping"] != ""
}
