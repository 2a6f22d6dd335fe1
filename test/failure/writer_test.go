// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// Namespaces of the writer.
const (
	enforced = "shop"
	apart    = "neighbour" // nobody opted in
)

// writer writes all the time. What is bad must be refused in an enforced namespace: a
// Service by itself, and a RoleBinding because of all else that the webhook knows. What
// nobody opted in must not notice.
type writer struct {
	h      *house
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	writes   int
	denied   int
	unjudged int      // refused, but not for what is bad
	admitted []string // bad, and stored
	bystand  []string // refused where nobody opted in
	rounds   []round
}

// round is one of each write. It is good if all went as they should.
type round struct {
	began, ended time.Time
	good         bool
}

// startWriter makes both namespaces, and writes to them until it is stopped.
func (h *house) startWriter(t *testing.T) *writer {
	t.Helper()
	for _, namespace := range []string{enforced, apart} {
		h.must(t, fmt.Sprintf(exposed, namespace), "apply", "-f", "-")
	}
	h.must(t, "", "label", "namespace", enforced, "gatehouse.sh/admission=enforce")
	ctx, cancel := context.WithCancel(context.Background())
	w := &writer{h: h, cancel: cancel, done: make(chan struct{})}
	t.Cleanup(cancel)
	go func() {
		defer close(w.done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			w.write(context.WithoutCancel(ctx), n)
		}
	}()
	w.recovered(t, time.Time{})
	return w
}

// binding completes what is harmless without it.
func binding(namespace, name string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "web"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "web"}},
	}
}

func (w *writer) write(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := round{began: time.Now()}
	name := fmt.Sprintf("bad-%d", n)
	node := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: enforced, Name: name}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}}}
	_, byItself := w.h.client.CoreV1().Services(enforced).Create(ctx, node, metav1.CreateOptions{})
	_, together := w.h.client.RbacV1().RoleBindings(enforced).Create(ctx, binding(enforced, name), metav1.CreateOptions{})
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/round":"%d"}}}`, n)
	_, right := w.h.client.CoreV1().Services(enforced).Patch(ctx, "web", types.MergePatchType, patch, metav1.PatchOptions{})
	_, beside := w.h.client.CoreV1().Services(apart).Patch(ctx, "web", types.MergePatchType, patch, metav1.PatchOptions{})
	r.ended = time.Now()

	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes += 4
	r.good = w.judged("EXP-001", byItself)
	r.good = w.judged("XR-002", together) && r.good
	if right != nil {
		w.unjudged++
	}
	if beside != nil {
		w.bystand = append(w.bystand, beside.Error())
	}
	r.good = r.good && right == nil && beside == nil
	w.rounds = append(w.rounds, r)
}

// judged counts a bad write, and tells whether it was refused for what it breaks.
func (w *writer) judged(check string, err error) bool {
	switch {
	case err == nil:
		w.admitted = append(w.admitted, check)
	case strings.Contains(err.Error(), check):
		w.denied++
		return true
	default:
		w.unjudged++
	}
	return false
}

// recovered waits until rounds have been good for a second, and returns how long after a
// time the first of those ended that began after it.
func (w *writer) recovered(t *testing.T, since time.Time) time.Duration {
	t.Helper()
	var first time.Time
	controlplane.Eventually(t, patience, "writes are judged", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		first = time.Time{}
		for _, r := range w.rounds {
			switch {
			case r.began.Before(since):
			case !r.good:
				first = time.Time{}
			case first.IsZero():
				first = r.ended
			}
		}
		if first.IsZero() || time.Since(first) < time.Second {
			return fmt.Errorf("%d of them, %d denied, %d unjudged, %d bad ones stored", w.writes, w.denied, w.unjudged, len(w.admitted))
		}
		return nil
	})
	return first.Sub(since)
}

// stop ends it, holds it to the invariants, and says what it saw.
func (w *writer) stop(t *testing.T) string {
	t.Helper()
	w.cancel()
	<-w.done
	if w.denied == 0 {
		t.Error("no bad write was denied: nothing is shown")
	}
	if len(w.admitted) > 0 {
		t.Errorf("%d bad writes were stored in an enforced namespace, first one that breaks %s", len(w.admitted), w.admitted[0])
	}
	if len(w.bystand) > 0 {
		t.Errorf("%d writes in a namespace that nobody opted in were refused, first: %s", len(w.bystand), w.bystand[0])
	}
	return fmt.Sprintf("%d writes: %d bad ones refused, %d stored, %d refused unjudged, %d refused where nobody opted in", w.writes, w.denied, len(w.admitted), w.unjudged, len(w.bystand))
}
