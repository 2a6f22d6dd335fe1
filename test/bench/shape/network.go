// SPDX-License-Identifier: Apache-2.0

package shape

import (
	"fmt"
	"math/rand/v2"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Network is a cluster of so many workloads that call each other.
type Network struct{ Workloads, Namespaces int }

// calls is how many others each workload calls, three of ten in another namespace.
const calls = 5

// Home is the namespace of the i-th workload.
func (n Network) Home(i int) string { return Namespace(i % n.Namespaces) }

func (n Network) id(i int) generator.WorkloadID {
	return generator.WorkloadID{Namespace: n.Home(i), Kind: "Deployment", Name: fmt.Sprintf("app-%d", i)}
}

// Inventory is the cluster as a live one is held: namespaces, and for each
// workload a Deployment, its ReplicaSet and two pods.
func (n Network) Inventory() *inventory.Inventory {
	e := (&inventory.Inventory{}).Edit()
	var pool inventory.Pool
	for i := range n.Namespaces {
		e.Put(pool.Entry(Size{}.namespace(i)))
	}
	for i := range n.Workloads {
		d, owned := n.deployment(i), meta(n.Home(i), n.id(i).Name+"-6c5f8d7b9")
		e.Put(pool.Entry(d))
		yes := true
		owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, Controller: &yes}}
		rs := &appsv1.ReplicaSet{ObjectMeta: owned}
		rs.Spec.Selector, rs.Spec.Template = d.Spec.Selector, *d.Spec.Template.DeepCopy()
		rs.Spec.Template.Labels["pod-template-hash"] = "6c5f8d7b9"
		e.Put(pool.Entry(rs))
		for k := range 2 {
			p := &corev1.Pod{ObjectMeta: meta(n.Home(i), fmt.Sprintf("%s-%05d", rs.Name, k)), Spec: *rs.Spec.Template.Spec.DeepCopy()}
			p.Labels = rs.Spec.Template.Labels
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: rs.Name, Controller: &yes}}
			p.Status.PodIP = fmt.Sprintf("10.%d.%d.%d", 64+(2*i+k)>>16, (2*i+k)>>8&255, (2*i+k)&255)
			p.Status.PodIPs = []corev1.PodIP{{IP: p.Status.PodIP}}
			e.Put(pool.Entry(p))
		}
	}
	return e.Inventory()
}

func (n Network) deployment(i int) *appsv1.Deployment {
	name := n.id(i).Name
	d := &appsv1.Deployment{ObjectMeta: meta(n.Home(i), name)}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d.Spec.Template.Labels = map[string]string{"app": name, "app.kubernetes.io/part-of": n.Home(i), "version": "1", "tier": fmt.Sprintf("t%d", i%3)}
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: "server", Image: "registry.example.com/" + name + ":1",
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}, {Name: "admin", ContainerPort: 8081, Protocol: corev1.ProtocolTCP}},
	}}
	return d
}

// Environment knows the name servers.
func (n Network) Environment() generator.Environment {
	env := generator.NewEnvironment()
	env.DNS = generator.Group{
		Pods:  []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}},
		Ports: []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)},
	}
	return env
}

// Guards guard every namespace in both directions.
func (n Network) Guards() map[string]generator.Guard {
	out := make(map[string]generator.Guard, n.Namespaces)
	for i := range n.Namespaces {
		out[Namespace(i)] = generator.Guard{Ingress: true, Egress: true}
	}
	return out
}

// Edges are the connections: each workload calls five others, three of ten in
// another namespace, and the name servers.
func (n Network) Edges() []generator.Edge {
	r := rand.New(rand.NewPCG(1, 4)) //nolint:gosec // the same cluster every time
	out := make([]generator.Edge, 0, n.Workloads*(calls+1))
	for i := range n.Workloads {
		add := func(to generator.Peer, p generator.Port) {
			out = append(out, generator.Edge{From: generator.WorkloadPeerOf(n.id(i)), To: to, Port: p, Because: []generator.Evidence{{
				Source: generator.Manifest, Where: "app.yaml:" + n.id(i).Name, What: "env PEER_ADDR of container server",
			}}})
		}
		add(generator.Peer{Kind: generator.DNSPeer}, generator.Port{})
		for range calls {
			to := (i + n.Namespaces*r.IntN(n.Workloads/n.Namespaces)) % n.Workloads
			if r.IntN(10) < 3 {
				to = r.IntN(n.Workloads)
			}
			add(generator.WorkloadPeerOf(n.id(to)), generator.NumberedPort(generator.TCP, uint16(8080+r.IntN(3)))) //nolint:gosec // three ports
		}
	}
	return out
}
