// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestChangesAreToldWithTheirVersion follows one object through the hook: a key
// comes with a version that already shows what happened.
func TestChangesAreToldWithTheirVersion(t *testing.T) {
	c := newClient(t, controlplane.Get(t).RESTConfig())
	ns := namespaceName(t)
	key := inventory.Key{Kind: inventory.NamespaceKind, Name: ns}
	var mu sync.Mutex
	var states []string // of the namespace, as the versions with its key show it
	l := NewLive(c, LiveOptions{Hooks: Hooks{Changed: func(inv *inventory.Inventory, keys []inventory.Key) {
		mu.Lock()
		defer mu.Unlock()
		for _, k := range keys {
			if k == key {
				states = append(states, stateOf(inv, ns))
			}
		}
	}}})
	start(t, l)
	sync1(t, l)
	last := func() string {
		mu.Lock()
		defer mu.Unlock()
		if len(states) == 0 {
			return "never told"
		}
		return states[len(states)-1]
	}
	create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	controlplane.Eventually(t, time.Minute, "the creation is told", controlplane.Holds(func() bool { return last() == "there" }))
	remove1(t, c, key)
	// Without controllers a namespace stays, marked as deleted: that is a change too.
	controlplane.Eventually(t, time.Minute, "the deletion is told", controlplane.Holds(func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(states) >= 2
	}))
}

func stateOf(inv *inventory.Inventory, namespace string) string {
	if inv.Namespace(namespace) == nil {
		return "gone"
	}
	return "there"
}
