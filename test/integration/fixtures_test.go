// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// applied is one fixture in namespaces of its own.
type applied struct {
	*cluster
	fixture fixture.Case
	suffix  string
	written map[inventory.Key]types.UID // of the objects that were read, as the fixture has them
	uids    map[inventory.Key]types.UID // that the API server chose for the context
	stored  bool                        // the object may be: its last write was not refused
}

// ownStands says that the namespace of Gatehouse is there, without labels.
var ownStands bool

// prepare brings the context of a fixture about, unjudged, and then opts the
// object's namespace in.
func (a *applied) prepare(t *testing.T) {
	t.Helper()
	if !ownStands {
		a.put(t, namespace(own, nil))
		ownStands = true
	}
	var first map[string]any
	if len(a.fixture.Section("context.yaml")) == 0 && len(a.fixture.Section("old.yaml")) == 0 {
		first = enforced() // there is nothing that must not be judged
	}
	for ns := range a.namespaces() {
		a.put(t, namespace(ns, first))
	}
	for _, section := range []string{"context.yaml", "old.yaml"} {
		for _, o := range a.objects(t, section) {
			if o.GetKind() == "Namespace" && o.GetName() == own {
				ownStands = false // as the next fixture wants it
			}
			a.put(t, o)
		}
	}
	if first == nil {
		a.enforce(t)
	}
}

func namespace(name string, labels map[string]any) *unstructured.Unstructured {
	metadata := map[string]any{"name": name}
	if labels != nil {
		metadata["labels"] = labels
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}}
}

func enforced() map[string]any { return map[string]any{"gatehouse.sh/admission": "enforce"} }

// document is the object as kubectl is given it.
func (a *applied) document(t *testing.T) string {
	t.Helper()
	if _, is := a.fixture.Object.(*corev1.Namespace); is || len(a.fixture.Object.GetOwnerReferences()) > 0 {
		return string(mustJSON(t, a.objects(t, "object.yaml")[0])) // its name is renamed there, and UIDs are
	}
	return a.text("object.yaml")
}

// enforce opts the object's namespace in. What the fixture says about the
// namespace's labels wins.
func (a *applied) enforce(t *testing.T) {
	t.Helper()
	ns := a.fixture.Object.GetNamespace()
	if ns == "" || system(ns) {
		return
	}
	if err := a.api.Patch(t.Context(), namespace(ns+a.suffix, enforced()), client.Merge); err != nil {
		t.Fatal(err)
	}
}

// put applies an object and, where it has one, its status.
func (a *applied) put(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	a.adopt(o) // of what was put before it
	full := o.DeepCopy()
	delete(o.Object, "status")
	if err := a.api.Patch(t.Context(), o, client.Apply, client.FieldOwner("kubectl"), client.ForceOwnership); err != nil { //nolint:staticcheck // the objects are unstructured
		t.Fatalf("context: %s %s: %v", o.GetKind(), o.GetName(), err)
	}
	if a.uids == nil {
		a.uids = map[inventory.Key]types.UID{}
	}
	a.uids[inventory.KeyOf(o)] = o.GetUID()
	if full.Object["status"] == nil {
		return
	}
	full.SetResourceVersion("")
	full.SetManagedFields(nil)
	if err := a.api.Status().Patch(t.Context(), full, client.Apply, client.FieldOwner("kubectl"), client.ForceOwnership); err != nil { //nolint:staticcheck // the objects are unstructured
		t.Fatalf("context: status of %s %s: %v", o.GetKind(), o.GetName(), err)
	}
}

// dryRun writes the object without storing it and returns what kubectl would
// print.
func (a *applied) dryRun(t *testing.T) string {
	t.Helper()
	out, _ := a.send(t, []client.PatchOption{client.DryRunAll}, []client.SubResourceUpdateOption{client.DryRunAll})
	return out
}

// write writes the object for good and returns what kubectl prints. Of each check
// the first fixture that is refused and the first that is not go through kubectl;
// for the others, whose request is the same, a process costs more than all else.
func (a *applied) write(t *testing.T) (string, error) {
	t.Helper()
	verb, _, _ := strings.Cut(a.fixture.Name, "-")
	test, _, _ := strings.Cut(t.Name(), "/")
	kind := test + "/" + a.fixture.Check + "/" + verb
	if !typed[kind] {
		typed[kind] = true
		a.stored = true
		return a.try(t, a.document(t), a.args()...)
	}
	out, err := a.send(t, nil, nil)
	a.stored = !apierrors.IsForbidden(err)
	return out, err
}

// typed holds the kinds of fixtures that were written with kubectl.
var typed = map[string]bool{}

// send writes the object as kubectl does and returns what kubectl would print.
func (a *applied) send(t *testing.T, patch []client.PatchOption, update []client.SubResourceUpdateOption) (string, error) {
	t.Helper()
	var said warnings
	ctx := context.WithValue(t.Context(), warningsKey{}, &said)
	o := a.objects(t, "object.yaml")[0]
	api := a.api
	if u := a.fixture.Request.User; u != "" {
		api = a.as(t, u, a.fixture.Request.Groups)
	}
	var err error
	switch a.fixture.Request.Subresource {
	case "":
		err = api.Patch(ctx, o, client.Apply, append(patch, client.FieldOwner("kubectl"), client.ForceOwnership)...) //nolint:staticcheck // the objects are unstructured
	case "status":
		err = api.Status().Update(ctx, o, update...)
	default:
		t.Fatalf("subresource %q", a.fixture.Request.Subresource)
	}
	out := said.String()
	if err != nil {
		out += err.Error()
	}
	return out, err
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

// clean deletes what the case made, so that hosts, addresses and classes do not
// meet those of the next.
func (a *applied) clean(t *testing.T) {
	t.Helper()
	now := int64(0)
	var floors []*unstructured.Unstructured // which are kept as long as there is what they are for (EXP-051)
	gone := map[inventory.Key]bool{}
	for _, section := range []string{"object.yaml", "old.yaml", "context.yaml"} {
		for _, o := range a.objects(t, section) {
			if o.GetKind() == "Namespace" {
				continue
			}
			if builtIn(o) {
				t.Errorf("clean up %s %s: the case changed what every cluster has", o.GetKind(), o.GetName())
				continue
			}
			key := inventory.KeyOf(o)
			if _, put := a.uids[key]; gone[key] || !put && !a.stored {
				continue // it was never there, or is not any more
			}
			gone[key] = true
			if o.GetKind() == "AccessPolicy" || o.GetKind() == "TrafficPolicy" || o.GetKind() == "ClientPolicy" {
				floors = append(floors, o)
				continue
			}
			if err := a.api.Delete(t.Context(), o, &client.DeleteOptions{GracePeriodSeconds: &now}); client.IgnoreNotFound(err) != nil {
				t.Errorf("clean up %s %s: %v", o.GetKind(), o.GetName(), err)
			}
		}
	}
	for _, o := range floors {
		controlplane.Eventually(t, 20*time.Second, "clean up "+o.GetKind()+" "+o.GetName(), func() error {
			return client.IgnoreNotFound(a.api.Delete(t.Context(), o))
		})
	}
}

// objects decodes a section with its namespaces renamed.
func (a *applied) objects(t *testing.T, section string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for doc := range strings.SplitSeq("\n"+a.text(section), "\n---") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		switch {
		case u.GetKind() == "Namespace" && !system(u.GetName()):
			u.SetName(u.GetName() + a.suffix)
		case section == "context.yaml" && builtIn(u):
			continue // the cluster has it, and keeps it
		}
		a.adopt(u)
		out = append(out, u)
	}
	return out
}

// adopt takes the UIDs of a fixture away, which nobody chooses, and lets its owner
// references mean what stands in the cluster.
func (a *applied) adopt(u *unstructured.Unstructured) {
	if a.written == nil {
		a.written = map[inventory.Key]types.UID{}
	}
	if _, read := a.written[inventory.KeyOf(u)]; !read {
		a.written[inventory.KeyOf(u)] = u.GetUID()
	}
	u.SetUID("")
	owners := u.GetOwnerReferences()
	for i := range owners {
		o := &owners[i]
		kind := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind()
		key := inventory.Key{Kind: kind, Namespace: u.GetNamespace(), Name: o.Name}
		if uid, known := a.uids[key]; known && (a.written[key] == "" || a.written[key] == o.UID) {
			o.UID = uid
		}
	}
	if len(owners) > 0 {
		u.SetOwnerReferences(owners)
	}
}

// text is a section with its namespaces renamed.
func (a *applied) text(section string) string {
	doc := string(a.fixture.Section(section))
	for _, o := range append(slices.Clone(a.fixture.Context), a.fixture.Object) {
		ns := o.GetNamespace()
		if inventory.GroupKindOf(o).Kind == "Namespace" {
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
		`(system:serviceaccounts?:)` + quoted + `([:"'\s,}\]]|$)`,
	} {
		doc = regexp.MustCompile("(?mi)"+pattern).ReplaceAllString(doc, "${1}"+to+"${2}")
	}
	return doc
}
