// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func pooled(i int) []Object {
	meta := metav1.ObjectMeta{Namespace: "a", Name: fmt.Sprint(i), Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"n": fmt.Sprint(i / 2)}}
	return []Object{
		&corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Name: "http", Protocol: "TCP", Port: 80}}}},
		&corev1.Pod{ObjectMeta: *meta.DeepCopy(), Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}, Volumes: []corev1.Volume{tokenVolume("token"), tokenVolume(fmt.Sprint(i % 2))}}},
		&rbacv1.RoleBinding{ObjectMeta: *meta.DeepCopy(), RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "r"}, Subjects: []rbacv1.Subject{{Kind: "User", Name: "u"}}},
		&rbacv1.Role{ObjectMeta: *meta.DeepCopy(), Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, Resources: []string{"pods"}}}},
	}
}

// tokenVolume has the name of the volume that the API server adds, which a user
// may choose for another one.
func tokenVolume(path string) corev1.Volume {
	return corev1.Volume{Name: "kube-api-access-" + path, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: path}}},
	}}}
}

func TestAPoolSharesTheTokenVolume(t *testing.T) {
	t.Parallel()
	var p Pool
	volumes := func(i int) []corev1.Volume { return p.Entry(pooled(i)[1]).Workload.Spec.Volumes }
	first, second := volumes(0), volumes(1)
	if first[0].Projected != second[0].Projected {
		t.Error("equal volumes are not shared")
	}
	if first[1].Projected == second[1].Projected {
		t.Error("different volumes are shared")
	}
}

func TestAPoolChangesNothingButWhatIsShared(t *testing.T) {
	t.Parallel()
	var p Pool
	n := 0
	for i := range 20 {
		got, want := pooled(i), pooled(i)
		for j := range got {
			if d := cmp.Diff(CompactEntry(want[j]), p.Entry(got[j])); d != "" {
				t.Errorf("object %d/%d (-compact +pooled):\n%s", i, j, d)
			}
			n++
		}
	}
	if n == 0 {
		t.Fatal("no objects")
	}
}

func TestAPoolSharesEqualMapsOnly(t *testing.T) {
	t.Parallel()
	var p Pool
	at := func(o Object) (labels, annotations uintptr) {
		e := p.Entry(o)
		return reflect.ValueOf(e.Object.GetLabels()).Pointer(), reflect.ValueOf(e.Object.GetAnnotations()).Pointer()
	}
	labels0, annotations0 := at(pooled(0)[0])
	labels1, annotations1 := at(pooled(1)[2])
	_, annotations2 := at(pooled(2)[0])
	if labels0 != labels1 || annotations0 != annotations1 {
		t.Error("equal maps are not shared")
	}
	if annotations0 == annotations2 {
		t.Error("different maps are shared")
	}
}

func TestAPoolIsBounded(t *testing.T) {
	t.Parallel()
	var p Pool
	for i := range 3 * maxPooledTexts {
		labels := map[string]string{"n": fmt.Sprint(i)}
		e := p.Entry(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "x", Labels: maps.Clone(labels)}})
		if !maps.Equal(e.Object.GetLabels(), labels) {
			t.Fatalf("labels are %v, want %v", e.Object.GetLabels(), labels)
		}
	}
	if len(p.texts) > maxPooledTexts || len(p.pairs) > maxPooledPairs {
		t.Errorf("%d texts, %d maps", len(p.texts), len(p.pairs))
	}
}
