// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestStreamsEndWithoutAReader(t *testing.T) {
	t.Parallel()
	for name, full := range map[string]bool{"with an event that nobody takes": true, "without events": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, w := offline(t, Hooks{}, "Pod")
			in := watch.NewFake()
			s := &stream{in: in, out: make(chan watch.Event), done: make(chan struct{}), watcher: w[0], compact: newCompactor(w[0].kind, &inventory.Pool{})}
			ended := make(chan struct{})
			go func() { s.run(t.Context()); close(ended) }()
			if full {
				in.Add(pod(1))
			}
			s.Stop()
			s.Stop()
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Error("the stream goes on")
			}
		})
	}
}

func TestTheClockDoesNotHoldAShutdownUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newPromptClock(ctx)
	long, short := c.After(time.Hour), c.After(time.Millisecond)
	<-short
	select {
	case <-long:
		t.Fatal("an hour passed at once")
	default:
	}
	cancel()
	select {
	case <-long:
	case <-time.After(10 * time.Second):
		t.Error("the end of the context was not noticed")
	}
}
