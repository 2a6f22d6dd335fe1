// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// changing is objects of which a cluster has some at each moment: what makes pods, and
// pods of it that are known by their owner or, where that is gone, by its name.
func changing(t *testing.T, namespace string) []inventory.Object {
	t.Helper()
	meta := func(name, owner string) string {
		return fmt.Sprintf(`"metadata":{"namespace":%q,"name":%q,"labels":{"app":"web","pod-template-hash":"1"}%s}`, namespace, name, owner)
	}
	owned := func(api, kind, name string) string {
		return fmt.Sprintf(`,"ownerReferences":[{"apiVersion":%q,"kind":%q,"name":%q,"uid":"1","controller":true}]`, api, kind, name)
	}
	const template = `"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":8080}]}]}}`
	pod := func(name, owner, address string) string {
		return `{"apiVersion":"v1","kind":"Pod",` + meta(name, owner) + `,"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"podIP":"` + address + `","podIPs":[{"ip":"` + address + `"}]}}`
	}
	return objectsOf(
		t,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+namespace+`","labels":{"team":"a"}}}`,
		`{"apiVersion":"apps/v1","kind":"Deployment",`+meta("web", "")+`,"spec":{"selector":{"matchLabels":{"app":"web"}},`+template+`}}`,
		`{"apiVersion":"apps/v1","kind":"ReplicaSet",`+meta("web-1", owned("apps/v1", "Deployment", "web"))+`,"spec":{`+template+`}}`,
		`{"apiVersion":"batch/v1","kind":"CronJob",`+meta("report", "")+`,"spec":{"schedule":"@hourly","jobTemplate":{"spec":{`+template+`}}}}`,
		pod("web-1-a", owned("apps/v1", "ReplicaSet", "web-1"), "10.0.0.1"),
		pod("web-1-b", owned("apps/v1", "ReplicaSet", "web-1"), "10.0.0.2"),
		pod("report-28391234-a", owned("batch/v1", "Job", "report-28391234"), "10.0.0.3"),
		pod("alone", "", "10.0.0.4"),
	)
}

// TestAnObserverSeesWhatIsThere: what it remembers is never seen, whatever changes.
func TestAnObserverSeesWhatIsThere(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var all []inventory.Object
	for _, namespace := range []string{"a", "b", "c"} {
		all = append(all, changing(t, namespace)...)
	}
	var o Observer
	inv := &inventory.Inventory{}
	for range 400 {
		e := inv.Edit()
		for range r.IntN(3) {
			if object := all[r.IntN(len(all))]; r.IntN(2) == 0 {
				e.Delete(inventory.KeyOf(object))
			} else {
				e.Put(inventory.NewEntry(object))
			}
		}
		inv = e.Inventory()
		got, err := o.Observe(inv)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Observe(inv)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(Universe{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
			t.Fatalf("universe (want -, got +):\n%s", d)
		}
	}
}

// TestAnObserverRemembersOtherNamespaces, and not the one in which a pod came.
func TestAnObserverRemembersOtherNamespaces(t *testing.T) {
	t.Parallel()
	var o Observer
	inv := inventory.New(slices.Concat(changing(t, "a"), changing(t, "b"))...)
	before, err := o.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	e := inv.Edit()
	e.Put(inventory.NewEntry(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "another"}}))
	after, err := o.Observe(e.Inventory())
	if err != nil {
		t.Fatal(err)
	}
	for namespace, want := range map[string]bool{"a": false, "b": true} {
		if len(before.Within(namespace)) == 0 {
			t.Errorf("nothing in %s", namespace)
		}
		if got := slices.Equal(before.Within(namespace), after.Within(namespace)); got != want {
			t.Errorf("%s is the same: %t", namespace, got)
		}
	}
	var none *Observer
	if u, err := none.Observe(inv); err != nil || len(u.Workloads()) != len(before.Workloads()) {
		t.Errorf("one that remembers nothing: %v", err)
	}
}
