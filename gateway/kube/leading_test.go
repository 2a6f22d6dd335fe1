// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// watchful is a Plane that does something while it is told what to serve.
type watchful struct{ during func() }

func (w *watchful) Serve(context.Context, []Served) { w.during() }
func (w *watchful) State(translate.Name) State      { return State{} }
func (w *watchful) Changed() <-chan struct{}        { return nil }

// TestWhoBeginsToLeadSaysNothingBeforeItHasServed: of what it has not served yet it would say
// that nobody does.
func TestWhoBeginsToLeadSaysNothingBeforeItHasServed(t *testing.T) {
	t.Parallel()
	p := &watchful{during: func() {}}
	c, err := New(&rest.Config{Host: "http://127.0.0.1:1"}, Options{Plane: p, Standby: true, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	c.last = &translate.Result{}
	lead := func() (rest func()) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.Lead(ctx) }()
		<-c.dirty // it has begun
		rest = sync.OnceFunc(func() { stop(); <-ended })
		t.Cleanup(rest)
		return rest
	}
	if c.publish(t.Context()); c.leads() {
		t.Error("a standby speaks")
	}
	rest := lead()
	if c.leads() {
		t.Error("it speaks before it has served")
	}
	p.during = func() {
		if c.leads() {
			t.Error("it speaks while it does not serve yet")
		}
	}
	if c.publish(t.Context()); !c.leads() {
		t.Error("it does not speak after it has served")
	}
	p.during = func() {
		if rest(); c.leads() {
			t.Error("it speaks when another one leads")
		}
		lead()
	}
	if c.publish(t.Context()); c.leads() {
		t.Error("it speaks of what was served before it led again")
	}
	p.during = func() {}
	if c.publish(t.Context()); !c.leads() {
		t.Error("it does not speak when it leads again")
	}
}
