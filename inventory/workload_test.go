// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// replica is a pod as the API server stores it, with what no check reads.
func replica(name, image string) *corev1.Pod {
	yes := true
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name, Labels: map[string]string{"app": "web"},
		Annotations:     map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "kept": "1"},
		ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		Finalizers:      []string{"example.com/last"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "Other", Name: "x"}, {Kind: "ReplicaSet", Name: "web", UID: "1", Controller: &yes}},
	}}
	p.Spec = corev1.PodSpec{
		ServiceAccountName: "web", NodeName: "node-" + name,
		Containers: []corev1.Container{{
			Name: "web", Image: image, Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "secret"}},
			Ports:         []corev1.ContainerPort{{HostPort: 80, ContainerPort: 80}},
			LivenessProbe: &corev1.Probe{PeriodSeconds: 5, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "10.0.0.1"}}},
		}},
		Volumes: []corev1.Volume{
			{Name: "kube-api-access-" + name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}},
			{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: "10.0.0.7"}}}
	return p
}

func TestReplicasShareOneTemplate(t *testing.T) {
	t.Parallel()
	e := New().Edit()
	for _, p := range []*corev1.Pod{replica("a", "web:1"), replica("b", "web:1"), replica("c", "web:2")} {
		e.Put(CompactEntry(p))
	}
	inv := e.Inventory()
	get := func(name string) *Workload {
		entry := inv.Entry(Key{PodKind, "shop", name})
		if entry == nil || entry.Workload == nil || entry.Object != nil {
			t.Fatalf("pod %s is kept as %+v", name, entry)
		}
		return entry.Workload
	}
	a, b, c := get("a"), get("b"), get("c")
	if a.Spec != b.Spec {
		t.Error("equal replicas do not share their spec")
	}
	if a.Spec == c.Spec {
		t.Error("a replica with another image shares the spec of the first")
	}
	if c.Spec.Containers[0].Image != "web:2" || a.Spec.Containers[0].Image != "web:1" {
		t.Error("sharing changed an image")
	}
	n := 0
	for range inv.Siblings("shop", Controller{Kind: "ReplicaSet", Name: "web"}) {
		n++
	}
	if n != 3 {
		t.Errorf("%d siblings, want 3", n)
	}
}

func TestTrimKeepsWhatChecksReadAndNothingElse(t *testing.T) {
	t.Parallel()
	p := replica("a", "web:1")
	Trim(p)
	if p.Annotations[corev1.LastAppliedConfigAnnotation] != "" || p.Annotations["kept"] != "1" || p.ManagedFields != nil || p.Finalizers != nil {
		t.Errorf("metadata: %+v", p.ObjectMeta)
	}
	if len(p.OwnerReferences) != 1 || p.OwnerReferences[0].Kind != "ReplicaSet" {
		t.Errorf("owners: %+v", p.OwnerReferences)
	}
	c := p.Spec.Containers[0]
	if c.Env != nil || len(c.Ports) != 1 || c.LivenessProbe.HTTPGet.Host != "10.0.0.1" || c.LivenessProbe.PeriodSeconds != 0 {
		t.Errorf("container: %+v", c)
	}
	if len(p.Spec.Volumes) != 1 || p.Spec.Volumes[0].Name != generatedToken {
		t.Errorf("volumes: %+v", p.Spec.Volumes)
	}
	if p.Spec.NodeName != "" || p.Status.Phase != "" || len(p.Status.PodIPs) != 1 {
		t.Errorf("pod: %+v", p)
	}
}

func TestTrimKeepsTheSecretsOfTokensInTheEnvironment(t *testing.T) {
	t.Parallel()
	of := func(key string) *corev1.EnvVarSource {
		name := corev1.LocalObjectReference{Name: "ops"}
		return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: name, Key: key}}
	}
	whole := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "ops"}}}
	p := replica("a", "web:1")
	c := &p.Spec.Containers[0]
	c.Env = []corev1.EnvVar{{Name: "PLAIN", Value: "secret"}, {Name: "CA", ValueFrom: of("ca.crt")}, {Name: "TOKEN", ValueFrom: of("token")}}
	c.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{}}, whole}
	Trim(p)
	c = &p.Spec.Containers[0]
	if diff := cmp.Diff([]corev1.EnvVar{{ValueFrom: of("token")}}, c.Env); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]corev1.EnvFromSource{whole}, c.EnvFrom); diff != "" {
		t.Error(diff)
	}
}

func TestTrimTwiceIsTrimOnce(t *testing.T) {
	t.Parallel()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	d.Spec.Template.Spec = replica("a", "web:1").Spec
	d.Status.Replicas = 3
	slice := &discoveryv1.EndpointSlice{Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}, Zone: new(string)}}}
	custom := &unstructured.Unstructured{Object: map[string]any{"kind": "Door", "status": map[string]any{"x": "y"}, "spec": "z"}}
	for _, o := range []Object{d, slice, custom, replica("a", "web:1")} {
		Trim(o)
		once := o.DeepCopyObject()
		Trim(o)
		if diff := cmp.Diff(once, o.DeepCopyObject()); diff != "" {
			t.Errorf("%T: %s", o, diff)
		}
	}
	if custom.Object["status"] != nil || custom.Object["spec"] != "z" {
		t.Errorf("custom resource: %v", custom.Object)
	}
}

func TestACompactPodCanBeRebuilt(t *testing.T) {
	t.Parallel()
	whole := NewEntry(replica("a", "web:1"))
	Trim(whole.Object)
	compact := CompactEntry(replica("a", "web:1"))
	rebuilt := NewEntry(compact.Workload.Pod())
	if d := cmp.Diff(NewEntry(whole.Object).Workload, rebuilt.Workload); d != "" {
		t.Error(d)
	}
}

func TestAPodInTheHostNetworkHasNoAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	p := replica("a", "web:1")
	if got := NewEntry(p).Workload.Addresses; len(got) != 1 {
		t.Errorf("addresses %v, want one", got)
	}
	p.Spec.HostNetwork = true
	if got := NewEntry(p).Workload.Addresses; got != nil {
		t.Errorf("addresses %v, want none", got)
	}
}

func TestTheAccountOfAWorkload(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"the current field":          {corev1.PodSpec{ServiceAccountName: "web", DeprecatedServiceAccount: "old"}, "web"},
		"the deprecated field":       {corev1.PodSpec{DeprecatedServiceAccount: "old"}, "old"},
		"neither is the default one": {corev1.PodSpec{}, "default"},
	} {
		if got := (&Workload{Spec: &tc.spec}).ServiceAccount(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
