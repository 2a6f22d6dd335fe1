// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The shape of the large cluster: 10,000 Services with 5 pods each, and a
// ServiceAccount for every other Service.
const (
	benchServices   = 10_000
	benchReplicas   = 5
	benchNamespaces = 500
	benchIngresses  = 10_500
	benchCatchAll   = 1_000
)

func meta(i int, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: fmt.Sprintf("team-%d", i%benchNamespaces), Name: fmt.Sprintf("%s-%d", name, i)}
}

func benchTemplate(i int) corev1.PodSpec {
	return corev1.PodSpec{
		ServiceAccountName: fmt.Sprintf("account-%d", i/2),
		Containers: []corev1.Container{{
			Name: "app", Image: "registry.example.com/team/app:1",
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		}},
	}
}

func benchLabels(i int) map[string]string {
	return map[string]string{"app": fmt.Sprintf("web-%d", i), "tier": "front"}
}

func benchService(i int) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta(i, "web"), Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeClusterIP, Selector: benchLabels(i),
		Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
	}}
}

func benchDeployment(i int) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: meta(i, "web")}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: benchLabels(i)}
	d.Spec.Template.Labels = benchLabels(i)
	d.Spec.Template.Spec = benchTemplate(i)
	return d
}

func benchIngress(i int, host, path string) *networkingv1.Ingress {
	prefix := networkingv1.PathTypePrefix
	class := "gatehouse"
	ing := &networkingv1.Ingress{ObjectMeta: meta(i, "web")}
	ing.Spec.IngressClassName = &class
	ing.Spec.TLS = []networkingv1.IngressTLS{{SecretName: "web-tls"}}
	if host != "" {
		ing.Spec.TLS[0].Hosts = []string{host}
	}
	ing.Spec.Rules = []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
		HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
			Path: path, PathType: &prefix,
			Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
				Name: fmt.Sprintf("web-%d", i%benchServices), Port: networkingv1.ServiceBackendPort{Number: 80},
			}},
		}}},
	}}}
	return ing
}

// largeCluster holds 50,000 pods, 10,000 Services, 5,000 ServiceAccounts and
// 10,500 Ingresses with a host each, and 1,000 more for every host.
var largeCluster = sync.OnceValue(func() *inventory.Inventory {
	edit := (&inventory.Inventory{}).Edit()
	for i := range benchNamespaces {
		edit.Put(inventory.CompactEntry(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("team-%d", i)}}))
	}
	yes := true
	for i := range benchServices {
		edit.Put(inventory.CompactEntry(benchService(i)))
		if i%2 == 0 {
			edit.Put(inventory.CompactEntry(&corev1.ServiceAccount{ObjectMeta: meta(i, "account")}))
		}
		for j := range benchReplicas {
			p := &corev1.Pod{ObjectMeta: meta(i, "web"), Spec: benchTemplate(i)}
			p.Name = fmt.Sprintf("web-%d-%d", i, j)
			p.Labels = benchLabels(i)
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: fmt.Sprintf("web-%d", i), Controller: &yes}}
			p.Status.PodIP = fmt.Sprintf("10.%d.%d.%d", 1+i/2500, i/10%250, 5*(i%10)+j)
			edit.Put(inventory.CompactEntry(p))
		}
	}
	for i := range benchIngresses {
		edit.Put(inventory.CompactEntry(benchIngress(i, fmt.Sprintf("web-%d.example.com", i), "/")))
	}
	for i := range benchCatchAll {
		ing := benchIngress(i, "", fmt.Sprintf("/app-%d", i))
		ing.Name = fmt.Sprintf("every-%d", i)
		edit.Put(inventory.CompactEntry(ing))
	}
	return edit.Inventory()
})

// BenchmarkVerdict measures what one review costs: the overlay and every check
// of the package.
func BenchmarkVerdict(b *testing.B) {
	set, err := checks.NewSet(All()...)
	if err != nil {
		b.Fatal(err)
	}
	inv, parameters := largeCluster(), checks.DefaultParameters()
	every := benchIngress(7, "", "/mine")
	every.Name = "mine"
	taken := benchIngress(3, "web-4.example.com", "/")
	taken.Name = "mine"
	for name, tc := range map[string]struct {
		object   inventory.Object
		findings bool
	}{
		"service":            {benchService(4711), false},
		"deployment":         {benchDeployment(4711), false},
		"ingress":            {benchIngress(4711, "web-4711.example.com", "/"), false},
		"ingress/new-host":   {benchIngress(4711, "new.example.com", "/"), false},
		"ingress/every-host": {every, true},
		"ingress/taken-host": {taken, true},
	} {
		in := checks.Input{Object: tc.object, Parameters: parameters, Inventory: inv.With(tc.object)}
		if got := set.Evaluate(in); len(got) > 0 != tc.findings {
			b.Errorf("%s: findings %+v", name, got)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				in := checks.Input{Object: tc.object, Parameters: parameters, Inventory: inv.With(tc.object)}
				set.Evaluate(in)
			}
		})
	}
}

// BenchmarkWith measures the overlay alone.
func BenchmarkWith(b *testing.B) {
	inv := largeCluster()
	for name, object := range map[string]inventory.Object{
		"service": benchService(4711), "deployment": benchDeployment(4711), "ingress": benchIngress(4711, "web-4711.example.com", "/"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				inv.With(object)
			}
		})
	}
}

// BenchmarkCheck measures each check by itself over a clean object of the kinds
// that are written most.
func BenchmarkCheck(b *testing.B) {
	inv, parameters := largeCluster(), checks.DefaultParameters()
	for _, object := range []inventory.Object{benchService(4711), benchDeployment(4711), benchIngress(4711, "web-4711.example.com", "/")} {
		in := checks.Input{Object: object, Parameters: parameters, Inventory: inv.With(object)}
		kind := inventory.GroupKindOf(object)
		for _, c := range All() {
			judged := false
			for _, k := range c.Kinds {
				judged = judged || k == kind
			}
			if !judged {
				continue
			}
			b.Run(kind.Kind+"/"+c.ID, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.Run(in)
				}
			})
		}
	}
}
