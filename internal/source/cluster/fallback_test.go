// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestAServerThatCannotStreamIsListed refuses the streaming of initial events, as
// servers before 1.32 do, and cuts the list into pages of two.
func TestAServerThatCannotStreamIsListed(t *testing.T) {
	c := newClient(t, controlplane.Get(t).RESTConfig())
	ns := namespaceName(t)
	create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	for i := range 5 {
		create(t, c, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprint("a", i)}})
	}
	l, ws := offline(t, Hooks{}, "ServiceAccount")
	w := ws[0]
	r, err := c.resource(w.kind, "v1", "")
	must(t, err)
	pages := 0
	w.resource = resource{
		list: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			pages++
			o.Limit = 2
			return r.list(ctx, o)
		},
		watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			if o.SendInitialEvents != nil {
				return nil, apierrors.NewBadRequest("sendInitialEvents is forbidden for watch")
			}
			return r.watch(ctx, o)
		},
	}
	w.done = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go w.run(ctx)
	defer func() { cancel(); <-w.done }()
	controlplane.Eventually(t, time.Minute, "the list is published", controlplane.Holds(w.synced.Load))
	for i := range 5 {
		if l.Inventory().Entry(inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: ns, Name: fmt.Sprint("a", i)}) == nil {
			t.Errorf("account a%d is missing", i)
		}
	}
	if pages < 3 {
		t.Errorf("the list came in %d pages", pages)
	}
	if w.failure.Load() != nil {
		t.Error("a server that cannot stream was reported as a failure")
	}
	create(t, c, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "late"}})
	controlplane.Eventually(t, time.Minute, "the watch goes on", controlplane.Holds(func() bool {
		return l.Inventory().Entry(inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: ns, Name: "late"}) != nil
	}))
}
