// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// holders is how many RoleBindings refer to the role under judgement, each in a
// namespace of its own.
const holders = 1000

// published is the large shape, whose workloads all stand behind the gateway, with
// the bindings. In unpublished no Ingress leads to any of them.
var (
	published = sync.OnceValue(func() *inventory.Inventory { return sharing(large().Edit()) })

	unpublished = sync.OnceValue(func() *inventory.Inventory {
		e := large().Edit()
		for _, k := range e.Keys(inventory.IngressKind) {
			e.Delete(k)
		}
		return sharing(e)
	})
)

func sharing(e *inventory.Edit) *inventory.Inventory {
	e.Put(inventory.NewEntry(sharedRole("configmaps")))
	for i := range holders {
		home := shape.Namespace(i)
		e.Put(inventory.NewEntry(&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "shared"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "shared"},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: home, Name: fmt.Sprintf("account-%d", i)}},
		}))
	}
	return e.Inventory()
}

func sharedRole(resources ...string) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "shared"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: resources, Verbs: []string{"get", "list"}}},
	}
}

// BenchmarkClusterRole is one verdict on the update of a ClusterRole that a
// thousand bindings refer to, against the large inventory: the checks of the whole
// catalogue, the object before the update included.
func BenchmarkClusterRole(b *testing.B) {
	for name, bc := range map[string]struct {
		was, is *rbacv1.ClusterRole
		over    func() *inventory.Inventory
	}{
		"unexposed":      {sharedRole("configmaps"), sharedRole("secrets"), unpublished},
		"exposed":        {sharedRole("configmaps"), sharedRole("secrets"), published},
		"exposed-before": {sharedRole("secrets"), sharedRole("secrets", "pods"), published},
		"harmless":       {sharedRole("configmaps"), sharedRole("pods"), published},
	} {
		b.Run(name, func(b *testing.B) {
			j, inv := verdict.Judge{Policy: defaultPolicy(b)}, bc.over()
			q := verdict.Question{
				Object: bc.is, Old: bc.was, Inventory: inv,
				Request: checks.Request{Operation: checks.Update}, ModeOf: verdict.ByLabels(inv),
			}
			b.ReportAllocs()
			var took []time.Duration
			found := 0
			for b.Loop() {
				start := time.Now()
				found = len(j.Of(q))
				took = append(took, time.Since(start))
			}
			report(b, took)
			b.ReportMetric(float64(found), "findings")
		})
	}
}
