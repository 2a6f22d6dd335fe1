// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// announcer makes Events of what is said of objects whose status has no conditions. Each
// is told once while it is so, and a bounded number in a second.
type announcer struct {
	client     *client
	log        logr.Logger
	controller string
	limit      flowcontrol.RateLimiter
	told       func() // counts

	mu     sync.Mutex
	offers []translate.Event
	known  map[translate.Event]bool // that was told
	wake   chan struct{}
}

// Bounds of Events: the API server keeps each for an hour.
const (
	eventsPerSecond = 5
	eventsBurst     = 50
	// announcing is how long something is so before it is told: an apply of a file brings an
	// Ingress before its Service.
	announcing = 2 * time.Second
	maxNote    = 1024 // bytes, by the API server's validation of events.k8s.io/v1
)

func newAnnouncer(c *client, o Options) *announcer {
	return &announcer{
		client: c, log: o.Log, controller: o.Controller, limit: flowcontrol.NewTokenBucketRateLimiter(eventsPerSecond, eventsBurst),
		known: map[translate.Event]bool{}, wake: make(chan struct{}, 1),
	}
}

// offer replaces what is to be said.
func (a *announcer) offer(all []translate.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	told := map[translate.Event]bool{}
	a.offers = a.offers[:0]
	for _, e := range all {
		if told[e] = a.known[e]; !told[e] {
			a.offers = append(a.offers, e)
		}
	}
	if a.known = told; len(a.offers) > 0 {
		signal(a.wake)
	}
}

func (a *announcer) take() (translate.Event, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.offers) == 0 {
		return translate.Event{}, false
	}
	e := a.offers[0]
	a.offers, a.known[e] = a.offers[1:], true
	return e, true
}

// run tells until ctx ends. What cannot be told is logged once, and not tried again: it is
// said again when the gateway is started again.
func (a *announcer) run(ctx context.Context) {
	failed := false
	for ctx.Err() == nil {
		e, is := a.take()
		if !is {
			select {
			case <-ctx.Done():
			case <-a.wake:
				sleep(ctx, announcing)
			}
			continue
		}
		if a.limit.Wait(ctx) != nil {
			return
		}
		err := a.tell(ctx, &e)
		if err != nil && ctx.Err() == nil && !failed {
			a.log.Error(err, "an Event cannot be written", "kind", e.Kind, "object", e.Name.String())
		}
		if failed = err != nil; !failed {
			a.told()
		}
	}
}

func (a *announcer) tell(ctx context.Context, e *translate.Event) error {
	regarding := corev1.ObjectReference{Kind: e.Kind, Namespace: e.Namespace, Name: e.Name.Name, APIVersion: "v1"}
	if e.Kind == "Ingress" {
		regarding.APIVersion = "networking.k8s.io/v1"
	}
	note := e.Message
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote-3], "") + "..."
	}
	out := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: strings.TrimRight(e.Name.Name[:min(len(e.Name.Name), 200)], "-.") + "-", Namespace: e.Namespace},
		EventTime:  metav1.NewMicroTime(time.Now()), ReportingController: a.controller, ReportingInstance: manager,
		Action: "Translate", Reason: e.Reason, Type: corev1.EventTypeWarning, Note: note, Regarding: regarding,
	}
	return a.client.byVersion[eventsv1.SchemeGroupVersion].Post().Namespace(e.Namespace).Resource("events").Body(out).Do(ctx).Error()
}
