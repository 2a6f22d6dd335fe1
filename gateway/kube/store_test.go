// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestADeletionThatWaitsChangesWhatIsServed, of a Namespace, which has no generation; what
// its status says does not.
func TestADeletionThatWaitsChangesWhatIsServed(t *testing.T) {
	t.Parallel()
	before := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "1", ResourceVersion: "1"}}
	ending, active := before.DeepCopy(), before.DeepCopy()
	ending.ResourceVersion, ending.DeletionTimestamp = "2", &metav1.Time{Time: time.Unix(1, 0)}
	active.ResourceVersion, active.Status.Phase = "2", corev1.NamespaceActive
	for name, tc := range map[string]struct {
		now  *corev1.Namespace
		want change
	}{"its deletion": {ending, meaning}, "its phase": {active, status}, "nothing of it": {before, nothing}} {
		if got := difference(before, tc.now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
