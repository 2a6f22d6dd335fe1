// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// questions are all ways of looking something up, with every argument that the
// random objects answer.
func questions() map[string]func(*Inventory) []string {
	out := map[string]func(*Inventory) []string{
		"every Pod": func(inv *Inventory) []string { return keysOf(inv.Entries(PodKind, ""), ofEntry) },
		"how many Services": func(inv *Inventory) []string {
			return slices.Repeat([]string{"one"}, inv.Len(ServiceKind))
		},
	}
	for _, ns := range testNamespaces {
		out["Pods of "+ns] = func(inv *Inventory) []string { return keysOf(inv.Entries(PodKind, ns), ofEntry) }
		out["bindings of users "+ns] = func(inv *Inventory) []string { return keysOf(inv.BindingsOfUsers(ns+":"), ofEntry) }
		out["bound within "+ns] = func(inv *Inventory) []string {
			var out []string
			for name, e := range inv.BoundWithin(ns) {
				out = append(out, name+" by "+e.Key.String())
			}
			slices.Sort(out)
			return out
		}
		out["selectors of "+ns] = func(inv *Inventory) []string {
			var out []string
			for s := range inv.Selectors(ns) {
				out = append(out, s.Key+"="+s.Value+" of "+s.Service().Name)
			}
			slices.Sort(out)
			return out
		}
		out["bindings within "+ns] = func(inv *Inventory) []string { return keysOf(inv.BindingsWithin(ns), ofEntry) }
		for _, labels := range []map[string]string{{"app": "1"}, {"app": ""}, {"app": "1", "tier": "2"}, {"app": "2", "tier": "1", "zone": "1"}} {
			name := ns + labels["app"] + labels["tier"]
			out["Selected "+name] = func(inv *Inventory) []string { return keysOf(inv.Selected(ns, labels), ofWorkload) }
			out["Selecting "+name] = func(inv *Inventory) []string { return keysOf(inv.Selecting(ns, labels), ofObject[*corev1.Service]) }
		}
		for _, name := range testNames {
			at := ns + "/" + name
			out["Service "+at] = func(inv *Inventory) []string {
				if s := inv.Service(ns, name); s != nil {
					return []string{KeyOf(s).String()}
				}
				return nil
			}
			out["Referrers "+at] = func(inv *Inventory) []string { return keysOf(inv.Referrers(ns, name), ofEntry) }
			out["Senders "+at] = func(inv *Inventory) []string { return keysOf(inv.Senders(ns, name), ofEntry) }
			out["TraefikServices "+at] = func(inv *Inventory) []string { return keysOf(inv.TraefikServices(ns, name), ofEntry) }
			out["RunningAs "+at] = func(inv *Inventory) []string { return keysOf(inv.RunningAs(ns, name), ofWorkload) }
			out["BindingsTo "+at] = func(inv *Inventory) []string {
				return keysOf(inv.BindingsTo(Key{Kind: RoleKind, Namespace: ns, Name: name}), ofEntry)
			}
			out["BindingsOf "+at] = func(inv *Inventory) []string { return keysOf(inv.BindingsOf("ServiceAccount", ns, name), ofEntry) }
			out["Siblings "+at] = func(inv *Inventory) []string {
				return keysOf(inv.Siblings(ns, Controller{Kind: "ReplicaSet", Name: name}), ofWorkload)
			}
			out["Slices "+at] = func(inv *Inventory) []string {
				var keys []string
				for s := range inv.Slices(ns, name) {
					keys = append(keys, KeyOf(s).String())
				}
				return keys
			}
		}
	}
	for _, host := range testHosts {
		out["Claims "+host] = func(inv *Inventory) []string { return keysOf(inv.Claims(host), ofEntry) }
		out["ClaimsAt "+host] = func(inv *Inventory) []string { return keysOf(inv.ClaimsAt(host, ""), ofEntry) }
		out["ClaimsBelow "+host] = func(inv *Inventory) []string { return keysOf(inv.ClaimsBelow(host, ""), ofEntry) }
	}
	for _, address := range testAddresses {
		out["Listing "+address] = func(inv *Inventory) []string {
			var keys []string
			for s := range inv.Listing(address) {
				keys = append(keys, KeyOf(s).String())
			}
			return keys
		}
		out["PodsAt "+address] = func(inv *Inventory) []string { return keysOf(inv.PodsAt(address), ofWorkload) }
	}
	return out
}

func randomBinding(r *rand.Rand) Object {
	b := &rbacv1.RoleBinding{ObjectMeta: meta(r), RoleRef: rbacv1.RoleRef{Kind: "Role", Name: pick(r, testNames)}}
	for range r.IntN(3) {
		s := rbacv1.Subject{Kind: "ServiceAccount", Namespace: pick(r, testNamespaces), Name: pick(r, testNames)}
		if r.IntN(4) == 0 {
			s = rbacv1.Subject{Kind: "User", Name: s.Namespace + ":" + s.Name}
		}
		b.Subjects = append(b.Subjects, s)
	}
	return b
}

// TestAChangedAnswerIsNoticed asks everything before and after random changes:
// where the answer differs, one of the look-ups that were noted finds an object
// that changed.
func TestAChangedAnswerIsNoticed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 1))
	reads, all := NewReads(), questions()
	inv := New()
	differed := map[string]int{}
	for range 4000 {
		o := randomObject(r)
		if t, ok := TemplateOf(o); ok {
			t.Spec.ServiceAccountName = pick(r, testNames)
		}
		if r.IntN(4) == 0 {
			o = randomBinding(r)
		}
		k := KeyOf(o)
		e := inv.Edit()
		was, is := inv.Entry(k), (*Entry)(nil)
		if r.IntN(4) == 0 {
			e.Delete(k)
		} else {
			is = NewEntry(o)
			e.Put(is)
		}
		next := e.Inventory()
		var finding []Read
		for _, at := range []*Entry{was, is} {
			if at != nil {
				finding = reads.Finding(finding, at)
			}
		}
		for name, ask := range all {
			before := ask(inv.Recording(reads))
			noted := reads.Take(Key{})
			if len(noted) == 0 {
				t.Fatalf("%s: no look-up was noted", name)
			}
			if slices.Equal(before, ask(next)) {
				continue
			}
			differed[name]++
			if !slices.ContainsFunc(noted, func(n Read) bool { return slices.Contains(finding, n) }) {
				t.Fatalf("%s: the answer changed with %s, and nothing says so", name, k)
			}
		}
		inv = next
	}
	for name := range all {
		if differed[name] == 0 {
			t.Errorf("%s: the answer never changed, so nothing was tested", name)
		}
	}
}

func TestUnrelatedLookUpsDiffer(t *testing.T) {
	t.Parallel()
	reads := NewReads()
	inv := New()
	service := NewEntry(&corev1.Service{ObjectMeta: metaOf("a", "x")})
	for name, ask := range map[string]func(*Inventory){
		"another name":      func(v *Inventory) { v.Service("a", "y") },
		"another namespace": func(v *Inventory) { v.Service("b", "x") },
		"another kind":      func(v *Inventory) { v.Entry(Key{Kind: PodKind, Namespace: "a", Name: "x"}) },
		"another list":      func(v *Inventory) { keysOf(v.Entries(ServiceKind, "b"), ofEntry) },
		"an index":          func(v *Inventory) { keysOf(v.Referrers("a", "x"), ofEntry) },
	} {
		ask(inv.Recording(reads))
		noted := reads.Take(Key{})
		if len(noted) != 1 || slices.Contains(reads.Finding(nil, service), noted[0]) {
			t.Errorf("%s: noted %v, which finds the Service", name, noted)
		}
	}
	inv.Recording(reads).Service("a", "x")
	if noted := reads.Take(service.Key); len(noted) != 0 {
		t.Errorf("the look-up of the object itself is noted: %v", noted)
	}
}

func TestWhatIsKeptBringsItsLookUps(t *testing.T) {
	t.Parallel()
	role := NewEntry(&rbacv1.ClusterRole{ObjectMeta: metaOf("", "admin")})
	e := New().Edit()
	e.Put(role)
	inv := e.Inventory()
	reads, other := NewReads(), NewReads()
	worked := 0
	ask := func(v *Inventory) any {
		return v.Once("key", func(v *Inventory) any {
			worked++
			return v.Entry(role.Key) != nil
		})
	}
	for i, r := range []*Reads{reads, reads, reads.Sibling()} {
		if got := ask(inv.Recording(r)); got != true {
			t.Fatalf("got %v", got)
		}
		noted := r.Take(Key{})
		if !slices.ContainsFunc(noted, func(n Read) bool { return slices.Contains(reads.Finding(nil, role), n) }) {
			t.Errorf("time %d: the look-up of the role is not noted", i)
		}
	}
	if worked != 1 {
		t.Errorf("worked out %d times, want once", worked)
	}
	ask(inv.Recording(other))
	if noted := other.Take(Key{}); worked != 2 || !slices.ContainsFunc(noted, func(n Read) bool { return slices.Contains(other.Finding(nil, role), n) }) {
		t.Errorf("another family of reads uses look-ups that mean nothing to it")
	}
	ask(inv)
	ask(inv)
	if worked != 3 {
		t.Errorf("without recording worked out %d times, want once", worked-2)
	}
}

func metaOf(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}
