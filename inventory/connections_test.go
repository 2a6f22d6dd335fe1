// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestConnectionsAreKeptOfTheOutermost: a Deployment keeps its variables when the
// pool is told so; its ReplicaSets and pods, which repeat them, never do.
func TestConnectionsAreKeptOfTheOutermost(t *testing.T) {
	t.Parallel()
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "CARTS_ADDR", Value: "carts:80"}}, Args: []string{"--db=db:5432"}}}}}
	yes := true
	owned := metav1.ObjectMeta{Namespace: "shop", Name: "web-1", OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", Controller: &yes}}}
	for name, tc := range map[string]struct {
		object Object
		keep   bool
		want   int
	}{
		"a Deployment, kept":       {&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: appsv1.DeploymentSpec{Template: template}}, true, 2},
		"a Deployment, not kept":   {&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: appsv1.DeploymentSpec{Template: template}}, false, 0},
		"its ReplicaSet":           {&appsv1.ReplicaSet{ObjectMeta: owned, Spec: appsv1.ReplicaSetSpec{Template: template}}, true, 0},
		"a pod of its":             {&corev1.Pod{ObjectMeta: owned, Spec: template.Spec}, true, 0},
		"a pod that nobody made":   {&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p"}, Spec: template.Spec}, true, 2},
		"the same where none must": {&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p"}, Spec: template.Spec}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := Pool{Connections: tc.keep}
			e := pool.Entry(tc.object.DeepCopyObject().(Object))
			c := e.Workload.Spec.Containers[0]
			if got := len(c.Env) + len(c.Args); got != tc.want {
				t.Errorf("%d variables and arguments, want %d", got, tc.want)
			}
		})
	}
}
