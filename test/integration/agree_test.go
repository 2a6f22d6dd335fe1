// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// toldElsewhere are the checks of which the scan tells at another object than the
// webhook does.
var toldElsewhere = map[string]string{
	"EXP-046": "the scan tells of the policy's namespace once, by the Service",
}

// neverRefusing are the checks that cannot fire while something is written.
var neverRefusing = map[string]string{
	"RBAC-015": "is about what the cluster has already",
}

// agreement counts the fixtures of a package of checks.
type agreement struct {
	fixtures                   int
	webhook, scan, commandLine verdicts
}

// verdicts are those of one of the three.
type verdicts struct {
	compared int
	refused  int // with a denial
	warned   int // with a warning and no denial
	differ   int // from what the engine says
	left     int // fixtures that it cannot be asked about
}

func (v *verdicts) add(got, want said) {
	v.compared++
	switch {
	case !maps.Equal(got, want):
		v.differ++
	case want.denied():
		v.refused++
	case len(want) > 0:
		v.warned++
	}
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
			c.askWebhook(t, n, fc, i, fired)
			askScan(t, c.set, n, fc)
			askCommandLine(t, c.set, n, fc)
		})
	}
	tabulate(t, counts)
	for _, check := range c.set.Checks() {
		if !fired[check.ID] && check.Actions.Baseline != checks.Audit && neverRefusing[check.ID] == "" {
			t.Errorf("%s never fired through the webhook", check.ID)
		}
	}
}

// packageOf names the package of a fixture: checks/<package>/testdata/<id>/<name>.
func packageOf(fc fixture.Case) string {
	return filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(fc.Path))))
}

// tabulate prints the counts and fails where they show too little.
func tabulate(t *testing.T, counts map[string]*agreement) {
	t.Helper()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "package\tfixtures\tasked\tequal\trefused\twarned\tdiffer\tleft out\t")
	var sum agreement
	row := func(pkg string, n *agreement) {
		for _, one := range []struct {
			who string
			v   verdicts
		}{{"webhook", n.webhook}, {"scan", n.scan}, {"command line", n.commandLine}} {
			fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t\n", pkg, n.fixtures, one.who, one.v.compared-one.v.differ, one.v.refused, one.v.warned, one.v.differ, one.v.left)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(counts)) {
		n := counts[pkg]
		row(pkg, n)
		sum.fixtures += n.fixtures
		for _, one := range []struct{ to, from *verdicts }{{&sum.webhook, &n.webhook}, {&sum.scan, &n.scan}, {&sum.commandLine, &n.commandLine}} {
			*one.to = verdicts{one.to.compared + one.from.compared, one.to.refused + one.from.refused, one.to.warned + one.from.warned, one.to.differ + one.from.differ, one.to.left + one.from.left}
			if one.from.compared < n.fixtures/2 || one.from.refused+one.from.warned == 0 {
				t.Errorf("%s: too little is compared: %+v of %d", pkg, *one.from, n.fixtures)
			}
		}
	}
	row("all", &sum)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("verdicts on the same objects\n%s", b.String())
	for _, pkg := range []string{"exposure", "privilege", "blast"} {
		if counts[pkg] == nil {
			t.Errorf("no fixtures of %s", pkg)
		}
	}
}

// askWebhook applies a fixture: first as a dry run, by the API, until the watches
// have caught up, and then for good with kubectl.
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
	a.enforce(t)
	want := engine(t, c.set, fc)
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
	out, err := a.try(t, a.document(t), a.args()...)
	if got := read(out).withoutMutations(); !maps.Equal(got, want) || (err != nil) != want.denied() {
		t.Errorf("the webhook says %s, its dry run said %s, error %v\n%s", got, want, err, out)
	}
}

// engine is the verdict of all checks on a fixture; that of its own package is
// what the fixture says.
func engine(t *testing.T, set *checks.Set, fc fixture.Case) said {
	t.Helper()
	v, err := fixture.Judge(fc, policy.Default(set))
	if err != nil {
		t.Fatal(err)
	}
	all := wanted(fixture.Render(v))
	own := maps.Clone(all)
	maps.DeleteFunc(own, func(id string, _ checks.Action) bool {
		return !slices.Contains(prefixes[packageOf(fc)], id[:strings.Index(id, "-")])
	})
	if want := wanted(fc.Want); !maps.Equal(own, want) {
		t.Errorf("the engine says %s, the fixture %s", own, want)
	}
	return all
}

// prefixes are those of the ids of a package's checks. A fixture says what its own
// package finds.
var prefixes = map[string][]string{"exposure": {"EXP"}, "privilege": {"RBAC", "SA"}, "blast": {"XR"}}

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

// applicable reports whether a fixture is about what the webhook is asked about,
// and is no change of what every cluster has.
func applicable(fc fixture.Case) bool {
	if packageOf(fc) == "exposure" {
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

// asStored is the verdict that scan and command line must come to; false when
// neither of them can know enough. What the controller of an object breaks as well
// they tell of the controller only.
func asStored(t *testing.T, set *checks.Set, fc fixture.Case) (said, bool) {
	t.Helper()
	ofController := controllers(t, set, fc)
	var want said
	switch {
	case fc.Request.User != "" || fc.Request.Subresource != "" || fc.Object.GetName() == "":
		return nil, false
	case fc.Old != nil:
		want = wanted(creation(t, fc, set))
	default:
		want = engine(t, set, fc)
	}
	maps.DeleteFunc(want, func(id string, _ checks.Action) bool {
		_, has := ofController[id]
		return has
	})
	return want, true
}

// controllers is the verdict on the controller of a fixture's object.
func controllers(t *testing.T, set *checks.Set, fc fixture.Case) said {
	t.Helper()
	ref := metav1.GetControllerOf(fc.Object)
	if ref == nil {
		return nil
	}
	p, err := fc.Policy(set)
	if err != nil {
		t.Fatal(err)
	}
	in, err := fc.Input(p.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(fc.Context, func(o inventory.Object) bool {
		return inventory.GroupKindOf(o).Kind == ref.Kind && o.GetName() == ref.Name && o.GetNamespace() == fc.Object.GetNamespace()
	})
	if i < 0 {
		return nil
	}
	v := verdict.Judge{Policy: p}.Of(verdict.Question{Object: fc.Context[i], Inventory: in.Inventory, Mode: policy.Enforce})
	return wanted(fixture.Render(v))
}

func askCommandLine(t *testing.T, set *checks.Set, n *agreement, fc fixture.Case) {
	t.Helper()
	want, known := asStored(t, set, fc)
	if !known || fc.Request.Stored { // what is read from a file is not stored yet
		n.commandLine.left++
		return
	}
	got := check(t, fc)
	n.commandLine.add(got, want)
	if !maps.Equal(got, want) {
		t.Errorf("the command line says %s, the engine %s", got, want)
	}
}

func askScan(t *testing.T, set *checks.Set, n *agreement, fc fixture.Case) {
	t.Helper()
	want, known := asStored(t, set, fc)
	if !known {
		n.scan.left++
		return
	}
	p, err := fc.Policy(set)
	if err != nil {
		t.Fatal(err)
	}
	got := scan(t, fc, p)
	maps.DeleteFunc(want, func(id string, _ checks.Action) bool { return toldElsewhere[id] != "" })
	maps.DeleteFunc(got, func(id string, _ checks.Action) bool { return toldElsewhere[id] != "" })
	n.scan.add(got, want)
	if !maps.Equal(got, want) {
		t.Errorf("the scan says %s, the engine %s", got, want)
	}
}

// scan is what the background scan says about the object of a fixture in an
// enforced namespace, all of its objects kept as a live inventory keeps them.
func scan(t *testing.T, fc fixture.Case, p *policy.Policy) said {
	t.Helper()
	e := inventory.New().Edit()
	enforced := func(ns *corev1.Namespace) *corev1.Namespace {
		labels := map[string]string{policy.AdmissionLabel: "enforce"}
		for k, v := range ns.Labels {
			if k != policy.AdmissionLabel && k != policy.ProfileLabel {
				labels[k] = v
			}
		}
		ns.Labels = labels
		return ns
	}
	home := fc.Object.GetNamespace()
	if home != "" {
		e.Put(inventory.NewEntry(enforced(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}})))
	}
	var pool inventory.Pool
	for _, o := range append(slices.Clone(fc.Context), fc.Object) {
		copied, ok := o.DeepCopyObject().(inventory.Object)
		if !ok {
			t.Fatalf("%T", o)
		}
		if ns, is := copied.(*corev1.Namespace); is && ns.Name == home {
			enforced(ns)
		}
		e.Put(pool.Entry(copied))
	}
	s := background.New(1)
	s.Full(e.Inventory(), background.Rules{Judge: verdict.Judge{Policy: p}})
	got := said{}
	for _, r := range s.Results(home) {
		if had, seen := got[r.Check]; r.Object == inventory.KeyOf(fc.Object) && r.Action <= checks.Warn && (!seen || r.Action < had) {
			got[r.Check] = r.Action
		}
	}
	return got
}
