// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

func scanRules(tb testing.TB) background.Rules {
	tb.Helper()
	return background.Rules{Judge: verdict.Judge{Policy: defaultPolicy(tb), Now: time.Now()}}
}

// scanWorkers are those of the program: the goal is for two cores.
const scanWorkers = 2

// BenchmarkBackgroundFull judges every object of the large inventory, and
// measures what the scan holds afterwards.
func BenchmarkBackgroundFull(b *testing.B) {
	inv, rules := large(), scanRules(b)
	before := heapAlive()
	var s *background.Scan
	for b.Loop() {
		s = background.New(scanWorkers)
		s.Full(inv, rules)
	}
	b.ReportMetric(float64(s.Len()), "objects")
	b.ReportMetric(float64(heapAlive()-before)/(1<<20), "MiB")
	runtime.KeepAlive(s)
}

// BenchmarkBackgroundUpdate is one change against the large inventory: an object
// of each sort is changed back and forth, so that every change counts.
func BenchmarkBackgroundUpdate(b *testing.B) {
	rules := scanRules(b)
	scan := background.New(scanWorkers)
	inv := large()
	scan.Full(inv, rules)
	for _, tc := range changes() {
		b.Run(tc.name, func(b *testing.B) {
			took := make([]time.Duration, 0, 1<<16)
			judged, i := 0, 0
			for b.Loop() {
				e := inv.Edit()
				o := tc.versions[(i+1)%2]()
				e.Put(inventory.CompactEntry(o))
				i++
				inv = e.Inventory()
				start := time.Now()
				judged = max(judged, scan.Update(inv, []inventory.Key{inventory.KeyOf(o)}))
				for _, namespace := range scan.Changed() {
					scan.Results(namespace)
				}
				if len(took) < cap(took) {
					took = append(took, time.Since(start))
				}
			}
			report(b, took)
			b.ReportMetric(float64(judged), "judged")
		})
	}
}

// change is an object in two versions.
type change struct {
	name     string
	versions [2]func() inventory.Object
}

func changes() []change {
	of := func(name string, object func() inventory.Object, alter func(inventory.Object)) change {
		return change{name, [2]func() inventory.Object{object, func() inventory.Object {
			o := object()
			alter(o)
			return o
		}}}
	}
	all := slices.Collect(func(yield func(inventory.Object) bool) {
		for o := range shape.Large.Objects() {
			switch k := inventory.GroupKindOf(o).Kind; k {
			case "Namespace", "NetworkPolicy", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount":
				if !yield(o) {
					return
				}
			}
		}
	})
	first := func(kind string) func() inventory.Object {
		for _, o := range all {
			if inventory.GroupKindOf(o).Kind == kind {
				return func() inventory.Object {
					copied, _ := o.DeepCopyObject().(inventory.Object)
					return copied
				}
			}
		}
		return nil
	}
	label := func(o inventory.Object) { o.SetLabels(map[string]string{"changed": "yes"}) }
	return []change{
		of("pod", func() inventory.Object { return shape.Large.Pod(7) }, func(o inventory.Object) { o.SetAnnotations(map[string]string{"a": "b"}) }),
		of("service-exposed", func() inventory.Object { return shape.Large.Service(7) }, func(o inventory.Object) {
			o.(*corev1.Service).Spec.Type = corev1.ServiceTypeLoadBalancer
		}),
		of("ingress", func() inventory.Object { return shape.Large.Ingress(7) }, label),
		of("namespace-opts-out", first("Namespace"), func(o inventory.Object) { o.SetLabels(nil) }),
		of("network-policy", first("NetworkPolicy"), label),
		of("service-account", first("ServiceAccount"), label),
		of("role-binding", first("RoleBinding"), func(o inventory.Object) {
			b := o.(*rbacv1.RoleBinding)
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "another"})
		}),
		of("cluster-role", first("ClusterRole"), func(o inventory.Object) {
			r := o.(*rbacv1.ClusterRole)
			r.Rules = append(r.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}})
		}),
		of("ingress-class", ingressClass, func(o inventory.Object) { o.SetAnnotations(map[string]string{"a": "b"}) }),
	}
}

// BenchmarkReportBytes is the size of reports for each failing object, as the
// API stores them without the metadata that it adds.
func BenchmarkReportBytes(b *testing.B) {
	rules := scanRules(b)
	e := (&inventory.Inventory{}).Edit()
	const namespaces, each = 20, 50
	for i := range namespaces {
		ns := fmt.Sprintf("team-%d", i)
		e.Put(inventory.NewEntry(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{"gatehouse.sh/admission": "audit"}}}))
		for j := range each {
			svc := shape.Large.Service(j).(*corev1.Service)
			svc.Namespace, svc.Spec.Type = ns, corev1.ServiceTypeLoadBalancer
			e.Put(inventory.NewEntry(svc))
		}
	}
	scan := background.New(scanWorkers)
	scan.Full(e.Inventory(), rules)
	total, results := 0, 0
	for b.Loop() {
		total, results = 0, 0
		for i := range namespaces {
			for _, r := range background.Reports(fmt.Sprintf("team-%d", i), scan.Results(fmt.Sprintf("team-%d", i)), 0, 1<<20) {
				raw, err := json.Marshal(r)
				if err != nil {
					b.Fatal(err)
				}
				total += len(raw)
				results += len(r.Results)
			}
		}
	}
	b.ReportMetric(float64(total)/(namespaces*each), "bytes/object")
	b.ReportMetric(float64(results)/(namespaces*each), "results/object")
}

func ingressClass() inventory.Object {
	return &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "gatehouse"}, Spec: networkingv1.IngressClassSpec{Controller: "gatehouse.sh/gateway"}}
}
