// SPDX-License-Identifier: Apache-2.0

package shape

import (
	"bytes"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Recording is a recording of flows as `hubble observe -o jsonpb` writes them:
// with labels, MAC addresses, node labels and policies, of 1.2 to 1.8 KB. Every second one is a reply. They are of RecordedEdges
// connections between 200 workloads, the Endpoints, one connection after the other.
func Recording(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		labels := func(app string) string {
			return fmt.Sprintf(`["k8s:app=%s","k8s:app.kubernetes.io/instance=shop","k8s:app.kubernetes.io/part-of=shop","k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop",`+
				`"k8s:io.cilium.k8s.policy.cluster=default","k8s:io.cilium.k8s.policy.serviceaccount=%s","k8s:io.kubernetes.pod.namespace=shop"]`, app, app)
		}
		k := i / 2
		from, to := fmt.Sprintf("web-%02d", k%apps), fmt.Sprintf("carts-%02d", (k%apps*7+k/apps%callees)%apps)
		reply, sport, dport, flags := "false", 32768+i%28000, 8081, `"SYN":true`
		if i%2 == 1 {
			from, to, reply, sport, dport, flags = to, from, "true", dport, sport, `"SYN":true,"ACK":true`
		}
		policies := ""
		if i%3 == 0 {
			policies = `,"egress_allowed_by":[{"name":"web","namespace":"shop","labels":["k8s:io.cilium.k8s.policy.derived-from=NetworkPolicy","k8s:io.cilium.k8s.policy.name=web"],"revision":"12","kind":"NetworkPolicy"}]`
		}
		fmt.Fprintf(&b, `{"flow":{"time":"2026-11-02T10:%02d:%02d.%09dZ","uuid":"0d6a5a34-6d5b-4d0e-9a0b-%012d","verdict":"FORWARDED","ethernet":{"source":"5a:5d:4e:%02x:00:01","destination":"0e:11:22:33:44:55"},`+
			`"IP":{"source":"10.0.%d.5","destination":"10.0.%d.6","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":%d,"destination_port":%d,"flags":{%s}}},`+
			`"source":{"ID":%d,"identity":%d,"cluster_name":"default","namespace":"shop","labels":%s,"pod_name":"%s-5d4f-%05d","workloads":[{"name":"%s","kind":"Deployment"}]},`+
			`"destination":{"ID":%d,"identity":%d,"cluster_name":"default","namespace":"shop","labels":%s,"pod_name":"%s-5d4f-%05d","workloads":[{"name":"%s","kind":"Deployment"}]},`+
			`"Type":"L3_L4","node_name":"default/worker-%d","node_labels":["kubernetes.io/arch=amd64","kubernetes.io/os=linux"],"event_type":{"type":4,"sub_type":3},"traffic_direction":"EGRESS","trace_observation_point":"TO_ENDPOINT",`+
			`"trace_reason":"NEW","is_reply":%s,"interface":{"index":12,"name":"lxc%08x"}%s,"Summary":"TCP Flags: SYN"},"node_name":"default/worker-%d","time":"2026-11-02T10:00:00Z"}`+"\n",
			i/60%60, i%60, i%1e9, i, i%256, i%4, i%4, sport, dport, flags, 100+i%40, 4711+i%50, labels(from), from, i%300, from, 200+i%40, 4800+i%50, labels(to), to, i%300, to, i%9, reply, i, policies, i%9)
	}
	return b.Bytes()
}

// apps of either kind, of which each of the first calls some of the second.
const apps, callees = 100, 5

// RecordedEdges is how many connections a Recording of so many flows shows.
func RecordedEdges(n int) int { return min(n/2, apps*callees) }

// Endpoints is the cluster of a Recording.
func Endpoints() *inventory.Inventory {
	app := func(name string) *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		d.Spec.Template.Labels = map[string]string{"app": name}
		return d
	}
	list := make([]inventory.Object, 0, 2*apps)
	for i := range apps {
		list = append(list, app(fmt.Sprintf("web-%02d", i)), app(fmt.Sprintf("carts-%02d", i)))
	}
	return inventory.New(list...)
}
