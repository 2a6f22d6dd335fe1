// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// The cluster.
const (
	nodes  = 50
	copies = 5 // Pods of each workload
	plain  = "not-opted-in"
)

var network = shape.Network{Workloads: 1000, Namespaces: 500}

// objects are those of the cluster, in the order in which they are written: namespaces and
// nodes first, then what is in them. What Deployments stand for is added by replicas.
func objects(replicas func(d *appsv1.Deployment, pods *int) []client.Object) (first, rest []client.Object) {
	for i := range nodes {
		first = append(first, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Labels: map[string]string{"type": "kwok"}, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}}})
	}
	pods := 0
	for _, o := range network.Declared() {
		switch o := o.(type) {
		case *corev1.Namespace:
			o.Labels = map[string]string{"gatehouse.sh/admission": "enforce", "gatehouse.sh/network": "preview"}
			first = append(first, o)
			plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: o.Name, Name: "default"}, Spec: v1alpha1.NetworkPlanSpec{TrustedNamespaces: []v1alpha1.NamePattern{"*"}}}
			rest = append(rest, plan)
		case *appsv1.Deployment:
			rest = append(rest, o)
			if o.Namespace == "kube-system" {
				continue
			}
			rest = append(rest, replicas(o, &pods)...)
		case inventory.Object:
			rest = append(rest, o.(client.Object))
		}
	}
	return append(first, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: plain}}), rest
}

func nodeName(i int) string { return fmt.Sprintf("fake-%02d", i%nodes) }

// replicas are the ReplicaSet of a Deployment and its Pods.
func replicas(d *appsv1.Deployment, pods *int) []client.Object {
	yes := true
	owned := func(kind, name string) metav1.ObjectMeta {
		labels := map[string]string{"pod-template-hash": "6c5f8d7b9"}
		maps.Copy(labels, d.Spec.Template.Labels)
		return metav1.ObjectMeta{Namespace: d.Namespace, Labels: labels, OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: "00000000-0000-4000-8000-000000000000", Controller: &yes}}}
	}
	set := &appsv1.ReplicaSet{ObjectMeta: owned("Deployment", d.Name)}
	set.Name = d.Name + "-6c5f8d7b9"
	set.Spec.Selector = &metav1.LabelSelector{MatchLabels: set.Labels}
	set.Spec.Template.Labels, set.Spec.Template.Spec = set.Labels, d.Spec.Template.Spec
	out := []client.Object{set}
	for range copies {
		p := &corev1.Pod{ObjectMeta: owned("ReplicaSet", set.Name), Spec: *d.Spec.Template.Spec.DeepCopy()}
		p.Name = fmt.Sprintf("%s-%05d", set.Name, *pods)
		p.Spec.NodeName = nodeName(*pods)
		*pods++
		out = append(out, p)
	}
	return out
}
