// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// app is a Deployment with a container port.
func app(namespace, name string, port int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Ports: []corev1.ContainerPort{{ContainerPort: port}}}}
	return d
}

func service(namespace, name, ip string, port, target int32, protocols ...corev1.Protocol) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	s.Spec.ClusterIP, s.Spec.Selector = ip, map[string]string{"app": name}
	for _, p := range append(protocols, corev1.ProtocolTCP) {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: strings.ToLower(string(p)), Protocol: p, Port: port, TargetPort: intstr.FromInt32(target)})
	}
	return s
}

func pod(namespace, name, ip, owner string) *corev1.Pod {
	yes := true
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner + "-5d4f", Controller: &yes}}
	p.Labels = map[string]string{"app": owner, "pod-template-hash": "5d4f"}
	p.Status.PodIP, p.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	return p
}

// world is a shop, its database, a name server and a nightly job.
func world(t testing.TB) Options {
	t.Helper()
	db := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}}
	db.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
	db.Spec.Template.Labels = map[string]string{"app": "db"}
	db.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Ports: []corev1.ContainerPort{{ContainerPort: 5432}}}}
	nightly := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "report"}}
	nightly.Spec.Schedule = "0 3 * * *"
	nightly.Spec.JobTemplate.Spec.Template.Labels = map[string]string{"job": "report"}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.168.7.1"}}
	node.Spec.PodCIDRs = []string{"10.0.0.0/16"}
	api := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes"}}
	api.Spec.ClusterIP, api.Spec.Ports = "10.96.0.1", []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(6443)}}
	dns := app("kube-system", "kube-dns", 9153)
	inv := inventory.New(app("shop", "web", 8080), app("shop", "carts", 8081), app("bank", "web", 8080), db, nightly, node, api, dns,
		service("shop", "carts", "10.96.0.7", 80, 8081), service("kube-system", "kube-dns", "10.96.0.10", 53, 5353, corev1.ProtocolUDP),
		pod("shop", "web-5d4f-abcde", "10.0.0.5", "web"), pod("shop", "carts-5d4f-abcde", "10.0.0.6", "carts"),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "bank"}})
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.Discover(inv)
	env.ServiceRanges = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")}
	env.APIServer = generator.Group{Addresses: []netip.Prefix{netip.MustParsePrefix("192.168.7.1/32")}, Ports: []generator.Port{generator.NumberedPort(generator.TCP, 6443)}}
	return Options{Inventory: inv, Universe: u, Environment: env, Where: "flows.json"}
}

// ends of flows, as Hubble writes them.
const (
	web     = `{"ID":1,"identity":4711,"namespace":"shop","labels":["k8s:app=web","k8s:io.kubernetes.pod.namespace=shop"],"pod_name":"web-5d4f-abcde","workloads":[{"name":"web","kind":"Deployment"}]}`
	carts   = `{"identity":4712,"namespace":"shop","pod_name":"carts-5d4f-abcde","workloads":[{"name":"carts","kind":"Deployment"}]}`
	db0     = `{"identity":4713,"namespace":"shop","pod_name":"db-0","workloads":[{"name":"db","kind":"StatefulSet"}]}`
	dns     = `{"identity":4714,"namespace":"kube-system","pod_name":"kube-dns-1-x","workloads":[{"name":"kube-dns","kind":"Deployment"}]}`
	host    = `{"identity":1,"labels":["reserved:host"]}`
	remote  = `{"identity":6,"labels":["reserved:remote-node"]}`
	api     = `{"identity":7,"labels":["reserved:kube-apiserver","reserved:remote-node"]}`
	outside = `{"identity":2,"labels":["reserved:world"]}`
	ingress = `{"identity":8,"labels":["reserved:ingress"]}`
	health  = `{"identity":4,"labels":["reserved:health"]}`
)

// opening is a TCP packet that begins a connection, without a word of Hubble
// whether it is a reply.
const opening = `,"flags":{"SYN":true}`

// tcp is a flow from one end to another; more are further fields.
func tcp(from, to string, sport, dport string, flags, more string) string {
	return `{"flow":{"time":"2026-11-02T10:00:00Z","verdict":"FORWARDED","IP":{"source":"10.0.0.5","destination":"10.0.0.6","ipVersion":"IPv4"},` +
		`"l4":{"TCP":{"source_port":` + sport + `,"destination_port":` + dport + flags + `}},"source":` + from + `,"destination":` + to +
		`,"Type":"L3_L4","traffic_direction":"EGRESS"` + more + `},"node_name":"n1","time":"2026-11-02T10:00:00Z"}`
}

// udp is tcp over UDP.
func udp(from, to string, sport, dport string, more string) string {
	return strings.Replace(tcp(from, to, sport, dport, "", more), `"TCP"`, `"UDP"`, 1)
}

// at replaces the address of the destination.
func at(address, line string) string {
	return strings.Replace(line, `"destination":"10.0.0.6"`, `"destination":"`+address+`"`, 1)
}

// collect reads lines into a collection.
func collect(t testing.TB, o Options, lines ...string) (Result, Stats) {
	t.Helper()
	c := NewCollector(o)
	var r Reader
	if err := r.Each(strings.NewReader(strings.Join(lines, "\n")), c.Add); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Stats.Faults {
		t.Logf("%s", f)
	}
	return c.Result(), r.Stats
}
