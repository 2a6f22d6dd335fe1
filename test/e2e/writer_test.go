// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// writer writes all the time, to hold three promises: what is bad is never stored in
// an enforced namespace, whatever is broken; what is good there is accepted again soon;
// and a namespace that nobody opted in does not notice.
type writer struct {
	h      *house
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	writes   int
	denied   int      // with the rule that it breaks
	admitted int      // bad ones that were stored
	unjudged int      // bad or good ones that were refused since nobody could judge them
	silent   int      // bad ones that the API server was too far away to answer
	bystand  []string // refusals of ours in the namespace that nobody opted in
	rounds   []round
}

// round is one of each write. It is good if all went as they should.
type round struct {
	began, ended time.Time
	good         bool
}

// serviceOf is a Service of shop or neighbour that selects nothing.
func serviceOf(namespace, name string, kind corev1.ServiceType) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Type: kind, Selector: map[string]string{"app": "nobody"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func (h *house) startWriter(t *testing.T) *writer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w := &writer{h: h, cancel: cancel, done: make(chan struct{})}
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
	return w
}

// write writes one of each.
func (w *writer) write(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	began := time.Now()
	services := w.h.client.CoreV1().Services
	bad := serviceOf("shop", fmt.Sprintf("bad-%d", n), corev1.ServiceTypeNodePort)
	_, wrong := services("shop").Create(ctx, bad, metav1.CreateOptions{})
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/round":"%d"}}}`, n)
	_, right := services("shop").Patch(ctx, "web", types.MergePatchType, patch, metav1.PatchOptions{})
	_, beside := services("neighbour").Patch(ctx, "neighbour", types.MergePatchType, patch, metav1.PatchOptions{})

	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes += 3
	judged := false
	switch {
	case wrong == nil:
		w.admitted++
	case strings.Contains(wrong.Error(), "EXP-001"):
		w.denied++
		w.h.counts.denials.Add(1)
		judged = true
	case ours(wrong):
		w.unjudged++
	default:
		w.silent++
	}
	if ours(right) {
		w.unjudged++
	}
	if ours(beside) {
		w.bystand = append(w.bystand, beside.Error())
	}
	w.rounds = append(w.rounds, round{began: began, ended: time.Now(), good: judged && right == nil && beside == nil})
}

// ours tells a refusal of Gatehouse, or for want of Gatehouse, from what else becomes of
// requests while an API server goes and comes.
func ours(err error) bool { return err != nil && strings.Contains(err.Error(), "gatehouse") }

// recovered waits until rounds have been good for two seconds, and returns how long
// after since the first of these ended that began after it.
func (w *writer) recovered(t *testing.T, since time.Time) time.Duration {
	t.Helper()
	var first time.Time
	until(t, "writes to be judged again", func() string {
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
		if first.IsZero() || time.Since(first) < 2*time.Second {
			return "they are not"
		}
		return ""
	})
	return first.Sub(since)
}

// stop ends it and says what it saw.
func (w *writer) stop(t *testing.T) {
	t.Helper()
	w.cancel()
	<-w.done
	t.Logf("%d writes: %d bad ones denied, %d bad ones stored, %d refused unjudged, %d while the API server was away, %d refused where nobody opted in",
		w.writes, w.denied, w.admitted, w.unjudged, w.silent, len(w.bystand))
	if w.denied == 0 {
		t.Error("no bad write was denied: nothing is shown")
	}
	if w.admitted > 0 {
		t.Errorf("%d bad writes were stored in an enforced namespace", w.admitted)
	}
	if len(w.bystand) > 0 {
		t.Errorf("writes in a namespace that nobody opted in were refused, first: %s", w.bystand[0])
	}
}
