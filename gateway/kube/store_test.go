// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
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

// TestAStoreCountsWhatIsNew, and neither statuses nor what goes.
func TestAStoreCountsWhatIsNew(t *testing.T) {
	t.Parallel()
	route := func(uid types.UID, generation int64, version string) *gatewayv1.HTTPRoute {
		return &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: uid, Generation: generation, ResourceVersion: version}}
	}
	for name, tc := range map[string]struct {
		then func(*store) error
		want uint64
	}{
		"nothing":                   {func(*store) error { return nil }, 0},
		"another spec":              {func(s *store) error { return s.Update(route("a", 2, "6")) }, 1},
		"another status":            {func(s *store) error { return s.Update(route("a", 1, "6")) }, 0},
		"another of that name":      {func(s *store) error { return s.Update(route("b", 1, "6")) }, 1},
		"it goes":                   {func(s *store) error { return s.Delete(route("a", 1, "6")) }, 0},
		"all is read, as it was":    {func(s *store) error { return s.Replace([]any{route("a", 1, "5")}, "6") }, 0},
		"all is read, another spec": {func(s *store) error { return s.Replace([]any{route("a", 2, "6")}, "6") }, 1},
		"all is read, and it goes":  {func(s *store) error { return s.Replace(nil, "6") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(func(change) {})
			if err := s.Replace([]any{route("a", 1, "5")}, "5"); err != nil {
				t.Fatal(err)
			}
			before := s.view().meant
			if err := tc.then(s); err != nil {
				t.Fatal(err)
			}
			if got := s.view().meant - before; got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}
