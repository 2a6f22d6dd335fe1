// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestAControllerIsWhatKubernetesWouldHaveNamed(t *testing.T) {
	t.Parallel()
	type ref struct{ version, kind, name, uid string }
	owned := func(name, uid string, by ref) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Namespace: "shop", Name: name}
		m.SetUID(types.UID("u-" + uid))
		if by.kind != "" {
			yes := true
			m.OwnerReferences = []metav1.OwnerReference{{APIVersion: by.version, Kind: by.kind, Name: by.name, UID: types.UID(by.uid), Controller: &yes}}
		}
		return m
	}
	pod := func(by ref) Object { return &corev1.Pod{ObjectMeta: owned("p", "p", by)} }
	set := func(by ref) Object { return &appsv1.ReplicaSet{ObjectMeta: owned("r", "r", by)} }
	deployment := func(by ref) Object { return &appsv1.Deployment{ObjectMeta: owned("d", "d", by)} }
	job := func(by ref) Object { return &batchv1.Job{ObjectMeta: owned("j", "j", by)} }
	for name, tc := range map[string]struct {
		object Object
		want   string
	}{
		"a pod of a ReplicaSet":                    {pod(ref{"apps/v1", "ReplicaSet", "r", "u-r"}), "ReplicaSet shop/r"},
		"a reference from a file without UID":      {pod(ref{"apps/v1", "ReplicaSet", "r", ""}), "ReplicaSet shop/r"},
		"a ReplicaSet of a Deployment":             {set(ref{"apps/v1", "Deployment", "d", "u-d"}), "Deployment shop/d"},
		"a Job of a CronJob":                       {job(ref{"batch/v1", "CronJob", "c", "u-c"}), "CronJob shop/c"},
		"a pod of nothing":                         {pod(ref{}), ""},
		"a pod of another ReplicaSet of the name":  {pod(ref{"apps/v1", "ReplicaSet", "r", "u-x"}), ""},
		"a pod of a kind of another group":         {pod(ref{"example.com/v1", "ReplicaSet", "r", "u-r"}), ""},
		"a pod of a Deployment":                    {pod(ref{"apps/v1", "Deployment", "d", "u-d"}), ""},
		"a pod of itself":                          {pod(ref{"v1", "Pod", "p", "u-p"}), ""},
		"a Deployment of itself":                   {deployment(ref{"apps/v1", "Deployment", "d", "u-d"}), ""},
		"a Deployment of its ReplicaSet":           {deployment(ref{"apps/v1", "ReplicaSet", "r", "u-r"}), ""},
		"a ReplicaSet of a ReplicaSet":             {set(ref{"apps/v1", "ReplicaSet", "r", "u-r"}), ""},
		"a ReplicaSet that nobody knows":           {pod(ref{"apps/v1", "ReplicaSet", "gone", "u-r"}), ""},
		"a reference whose version cannot be read": {pod(ref{"a/b/c", "ReplicaSet", "r", "u-r"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := New().Edit()
			for _, o := range []Object{set(ref{}), deployment(ref{}), &batchv1.CronJob{ObjectMeta: owned("c", "c", ref{})}} {
				e.Put(CompactEntry(o))
			}
			one := CompactEntry(tc.object)
			e.Put(one)
			got := ""
			if up := e.Inventory().ControllerOf(one.Workload); up != nil {
				got = up.Key.String()
			}
			if got != tc.want {
				t.Errorf("controller %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTrimKeepsTheUIDOfWhatMakesOthers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		object Object
		want   bool
	}{
		"a ReplicaSet": {&appsv1.ReplicaSet{}, true},
		"a Deployment": {&appsv1.Deployment{}, true},
		"a Pod":        {&corev1.Pod{}, false},
		"a Service":    {&corev1.Service{}, false},
	} {
		tc.object.SetUID("u")
		Trim(tc.object)
		if got := tc.object.GetUID() != ""; got != tc.want {
			t.Errorf("%s keeps its UID: %v", name, got)
		}
	}
}
