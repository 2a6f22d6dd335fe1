// SPDX-License-Identifier: Apache-2.0

// Package shape makes synthetic clusters of a given size for benchmarks. Names
// and labels are spread as in a cluster of many small teams and a few large
// ones; nothing is random, so every run judges the same objects.
package shape

import (
	"fmt"
	"iter"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Size counts the objects of a cluster.
type Size struct {
	Namespaces, Pods, Services, Ingresses, ServiceAccounts           int
	Roles, RoleBindings, ClusterRoles, ClusterRoleBindings, Policies int
}

// Large is the shape at which another policy engine ran out of memory
// (https://github.com/kubewarden/policy-server/issues/716), with 50,000 pods,
// 10,000 Services and 2,000 Roles added.
var Large = Size{
	Namespaces: 3200, Pods: 50_000, Services: 10_000, Ingresses: 10_500, ServiceAccounts: 5_000,
	Roles: 2_000, RoleBindings: 11_000, ClusterRoles: 100, ClusterRoleBindings: 200, Policies: 3_200,
}

// Namespace returns the name of a namespace.
func Namespace(i int) string { return fmt.Sprintf("team-%04d", i) }

func meta(ns, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: ns, Name: name,
		Annotations: map[string]string{"example.com/owner": "team"},
		Labels:      map[string]string{"app.kubernetes.io/part-of": "benchmark"},
	}
}

func app(i int) map[string]string {
	return map[string]string{
		"app": fmt.Sprintf("app-%d", i), "app.kubernetes.io/name": fmt.Sprintf("app-%d", i),
		"app.kubernetes.io/instance": fmt.Sprintf("app-%d", i), "app.kubernetes.io/managed-by": "Helm",
	}
}

// Objects yields the objects of a cluster, namespaces first. Every object is
// new and may be kept.
func (s Size) Objects() iter.Seq[inventory.Object] {
	return func(yield func(inventory.Object) bool) {
		for _, part := range []struct {
			n    int
			make func(i int) inventory.Object
		}{
			{s.Namespaces, s.namespace},
			{s.ServiceAccounts, s.account},
			{s.Services, s.Service},
			{s.Pods, s.Pod},
			{s.Ingresses, s.Ingress},
			{s.Roles, s.role},
			{s.RoleBindings, s.roleBinding},
			{s.ClusterRoles, s.clusterRole},
			{s.ClusterRoleBindings, s.clusterRoleBinding},
			{s.Policies, s.policy},
		} {
			for i := range part.n {
				if !yield(part.make(i)) {
					return
				}
			}
		}
	}
}

// Count is the number of objects.
func (s Size) Count() int {
	return s.Namespaces + s.Pods + s.Services + s.Ingresses + s.ServiceAccounts + s.Roles + s.RoleBindings + s.ClusterRoles + s.ClusterRoleBindings + s.Policies
}

// Inventory builds the compact inventory of the cluster, as a live one holds it.
func (s Size) Inventory() *inventory.Inventory {
	e := (&inventory.Inventory{}).Edit()
	var pool inventory.Pool
	for o := range s.Objects() {
		e.Put(pool.Entry(o))
	}
	return e.Inventory()
}

func (s Size) home(i int) string { return Namespace(i % s.Namespaces) }

func (s Size) namespace(i int) inventory.Object {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace(i), Labels: map[string]string{
		"gatehouse.sh/admission": "enforce", "kubernetes.io/metadata.name": Namespace(i), "team": fmt.Sprintf("t%d", i%100),
	}}}
}

func (s Size) account(i int) inventory.Object {
	return &corev1.ServiceAccount{ObjectMeta: meta(s.home(i), fmt.Sprintf("account-%d", i))}
}

// Service is the i-th Service: a cluster address in front of five pods.
func (s Size) Service(i int) inventory.Object {
	svc := &corev1.Service{ObjectMeta: meta(s.home(i), fmt.Sprintf("app-%d", i))}
	svc.Spec = corev1.ServiceSpec{
		Type: corev1.ServiceTypeClusterIP, Selector: map[string]string{"app": fmt.Sprintf("app-%d", i), "app.kubernetes.io/instance": fmt.Sprintf("app-%d", i)},
		Ports: []corev1.ServicePort{{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80, TargetPort: intstr.FromString("http")}},
	}
	return svc
}

// Pod is the i-th pod: one of about five replicas of an application.
func (s Size) Pod(i int) inventory.Object {
	n := i % s.Services
	p := &corev1.Pod{ObjectMeta: meta(s.home(n), fmt.Sprintf("app-%d-6c5f8d7b9-%05d", n, i))}
	p.Labels = app(n)
	p.Labels["pod-template-hash"] = "6c5f8d7b9"
	yes := true
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: fmt.Sprintf("app-%d-6c5f8d7b9", n), UID: "00000000-0000-0000-0000-000000000001", Controller: &yes}}
	p.Spec = corev1.PodSpec{
		ServiceAccountName: fmt.Sprintf("account-%d", n%max(s.ServiceAccounts, 1)),
		Containers: []corev1.Container{{
			Name: "app", Image: fmt.Sprintf("registry.example.com/team/app-%d:v1.2.3", n),
			Ports:           []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
			Env:             []corev1.EnvVar{{Name: "MODE", Value: "production"}, {Name: "LEVEL", Value: "info"}},
			VolumeMounts:    []corev1.VolumeMount{{Name: "kube-api-access-x7k2p", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true}},
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(bool)},
		}},
		Volumes:  []corev1.Volume{token()},
		NodeName: fmt.Sprintf("node-%d", i%500),
	}
	ip := fmt.Sprintf("10.%d.%d.%d", 64+i/65536, i/256%256, i%256)
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}}
	return p
}

// token is the volume that the API server gives every pod that asks for none.
func token() corev1.Volume {
	seconds := int64(3607)
	return corev1.Volume{Name: "kube-api-access-x7k2p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &seconds, Path: "token"}},
		{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
			Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
		}}}},
	}}}}
}

// Ingress is the i-th Ingress: a host of its own behind the gateway.
func (s Size) Ingress(i int) inventory.Object {
	n := i % s.Services
	host := fmt.Sprintf("app-%d.example.com", i)
	class, prefix := "gatehouse", networkingv1.PathTypePrefix
	ing := &networkingv1.Ingress{ObjectMeta: meta(s.home(n), fmt.Sprintf("app-%d", i))}
	ing.Spec = networkingv1.IngressSpec{
		IngressClassName: &class, TLS: []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: "tls"}},
		Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
			Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &prefix, Backend: networkingv1.IngressBackend{
				Service: &networkingv1.IngressServiceBackend{Name: fmt.Sprintf("app-%d", n), Port: networkingv1.ServiceBackendPort{Name: "http"}},
			}}},
		}}}},
	}
	return ing
}

func rules(i int) []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{fmt.Sprintf("settings-%d", i)}, Verbs: []string{"get"}}}
}

func (s Size) role(i int) inventory.Object {
	return &rbacv1.Role{ObjectMeta: meta(s.home(i), fmt.Sprintf("reader-%d", i)), Rules: rules(i)}
}

func (s Size) roleBinding(i int) inventory.Object {
	return &rbacv1.RoleBinding{
		ObjectMeta: meta(s.home(i), fmt.Sprintf("binding-%d", i)),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: fmt.Sprintf("reader-%d", i%max(s.Roles, 1))},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: s.home(i), Name: fmt.Sprintf("account-%d", i%max(s.ServiceAccounts, 1))}},
	}
}

func (s Size) clusterRole(i int) inventory.Object {
	return &rbacv1.ClusterRole{ObjectMeta: meta("", fmt.Sprintf("viewer-%d", i)), Rules: rules(i)}
}

func (s Size) clusterRoleBinding(i int) inventory.Object {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta("", fmt.Sprintf("viewer-%d", i)),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: fmt.Sprintf("viewer-%d", i%max(s.ClusterRoles, 1))},
		Subjects:   []rbacv1.Subject{{Kind: "Group", APIGroup: rbacv1.GroupName, Name: fmt.Sprintf("team-%d", i)}},
	}
}

func (s Size) policy(i int) inventory.Object {
	return &networkingv1.NetworkPolicy{ObjectMeta: meta(s.home(i), "default-deny"), Spec: networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
	}}
}
