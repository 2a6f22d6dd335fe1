// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The bounds of Events. One too many is dropped and counted: reports and metrics
// hold the whole truth.
const (
	eventRate  = 5 // a second
	eventBurst = 50
	eventQueue = 500

	// eventSpan is the time in which the same news about the same object is one
	// Event, whoever leads.
	eventSpan = 10 * time.Minute

	// maxNote is the API's own bound of a note in bytes.
	// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/events.go (NoteLengthLimit)
	maxNote = 1024

	// maxOtherChecks are bytes for the ids of further checks.
	maxOtherChecks = 200

	// maxEventName leaves room for the digest in a name of 253 bytes.
	maxEventName = 230
)

// reporter names Gatehouse in Events.
const reporter = "gatehouse.sh/controller"

// Notice is what an Event says about an object.
type Notice struct {
	Object inventory.Key
	About  *corev1.ObjectReference // the object, for a kind that the inventory does not know; nil: it is looked up
	Reason string                  // one word in CamelCase: "Violation"
	Action string                  // what was done: "BackgroundScan"
	Text   string
	Type   string // corev1.EventTypeWarning if empty
}

// Events writes events.k8s.io Events. One replica runs it.
type Events struct {
	// Client writes; Reader lists without a cache, to find the UID that
	// `kubectl describe` looks Events up by.
	Client client.Client
	Reader client.Reader

	// Known reports whether a result was told before this process began; it may
	// wait. Nil: none was.
	Known func(context.Context, background.Result) bool

	instance string
	limiter  flowcontrol.RateLimiter
	news     chan item
	backlog  chan item // what the first scan finds: it waits for news
	complete atomic.Bool
	counted  *prometheus.CounterVec
}

// item is a notice and the results that it tells of, if any. It is not told when
// all of them are known.
type item struct {
	Notice
	results []background.Result
}

// NewEvents registers the metric.
func NewEvents(c client.Client, reader client.Reader, r prometheus.Registerer) (*Events, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name this replica: %w", err)
	}
	e := &Events{
		Client: c, Reader: reader, instance: host,
		limiter: flowcontrol.NewTokenBucketRateLimiter(eventRate, eventBurst),
		news:    make(chan item, eventQueue), backlog: make(chan item, eventQueue),
		counted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_events_total", Help: "Events about findings and about Gatehouse itself, by outcome.",
		}, []string{"outcome"}),
	}
	return e, r.Register(e.counted)
}

// NeedLeaderElection returns true: an Event is told by one replica.
func (*Events) NeedLeaderElection() bool { return true }

// Complete says that everything was judged once: what comes now is news.
func (e *Events) Complete() { e.complete.Store(true) }

// Take is a Sink: the new faults of an object are told together.
func (e *Events) Take(_ string, before, after []background.Result) {
	queue := e.backlog
	if e.complete.Load() {
		queue = e.news
	}
	added := slices.DeleteFunc(background.Added(before, after), func(r background.Result) bool { return r.Exemption != "" })
	for len(added) > 0 {
		n := 1
		for n < len(added) && added[n].Object == added[0].Object {
			n++
		}
		e.send(queue, item{noticeOf(added[:n]), added[:n]})
		added = added[n:]
	}
}

// Tell queues a notice; it does not wait.
func (e *Events) Tell(n Notice) { e.send(e.news, item{Notice: n}) }

func (e *Events) send(queue chan<- item, i item) {
	select {
	case queue <- i:
	default:
		e.counted.WithLabelValues("dropped").Inc()
	}
}

// noticeOf words the results of an object as kubectl's Events table shows them:
// what the first is and how to change it, and which others there are.
func noticeOf(list []background.Result) Notice {
	r := &list[0]
	n := Notice{Object: r.Object, Reason: "Violation", Action: "BackgroundScan"}
	if r.Certainty != checks.Violation {
		n.Reason = "Undetermined"
	}
	n.Text = fmt.Sprintf("%s %s (%s): %s. Change: %s", r.Check, r.Name, r.Severity, r.Message, r.Fix)
	others := map[string]bool{}
	for _, o := range list {
		others[o.Check] = o.Check != r.Check
	}
	maps.DeleteFunc(others, func(_ string, other bool) bool { return !other })
	if len(others) > 0 {
		n.Text = background.Short(n.Text, maxNote-maxOtherChecks) +
			background.Short(". It also breaks "+strings.Join(slices.Sorted(maps.Keys(others)), ", "), maxOtherChecks)
	}
	return n
}

// next returns what waits, news first; false when ctx ended.
func (e *Events) next(ctx context.Context) (item, bool) {
	select {
	case i := <-e.news:
		return i, true
	default:
	}
	select {
	case <-ctx.Done():
		return item{}, false
	case i := <-e.news:
		return i, true
	case i := <-e.backlog:
		return i, true
	}
}

// Start writes until ctx ends. What is queued then is lost.
func (e *Events) Start(ctx context.Context) error {
	log := logr.FromContextOrDiscard(ctx)
	for ready := false; ; {
		// Before something is chosen, so that news that comes while waiting is next.
		if !ready {
			if err := e.limiter.Wait(ctx); err != nil {
				return nil //nolint:nilerr // only the end of ctx ends the wait
			}
			ready = true
		}
		i, more := e.next(ctx)
		if !more {
			return nil
		}
		if e.known(ctx, i.results) {
			continue
		}
		ready = false
		if err := e.write(ctx, i.Notice); err != nil && ctx.Err() == nil {
			e.counted.WithLabelValues("failed").Inc()
			log.Error(err, "event not written", "object", i.Object.String())
		}
	}
}

// known reports whether all results were told before this process began.
func (e *Events) known(ctx context.Context, results []background.Result) bool {
	if len(results) == 0 || e.Known == nil {
		return false
	}
	return !slices.ContainsFunc(results, func(r background.Result) bool { return !e.Known(ctx, r) })
}

// write tells a notice. An object that is gone needs none.
func (e *Events) write(ctx context.Context, n Notice) error {
	about := n.About
	if about == nil {
		var err error
		if about, err = e.reference(ctx, n.Object); err != nil || about == nil {
			return err
		}
	}
	now := time.Now()
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: n.Object.Namespace, Name: eventName(n, about.UID, now)},
		EventTime:  metav1.NewMicroTime(now), ReportingController: reporter, ReportingInstance: background.Short(e.instance, 128),
		Action: n.Action, Reason: n.Reason, Regarding: *about, Note: background.Short(n.Text, maxNote), Type: corev1.EventTypeWarning,
	}
	if n.Type != "" {
		event.Type = n.Type
	}
	if event.Namespace == "" {
		event.Namespace = metav1.NamespaceDefault // where Events about cluster-scoped objects live
	}
	switch err := e.Client.Create(ctx, event); {
	case err == nil:
		e.counted.WithLabelValues("written").Inc()
		return nil
	case apierrors.IsAlreadyExists(err):
		e.counted.WithLabelValues("repeated").Inc()
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		e.counted.WithLabelValues("gone").Inc()
		return nil
	default:
		return fmt.Errorf("write event about %s: %w", n.Object, err)
	}
}

// eventName is the same for the same news within eventSpan.
func eventName(n Notice, uid types.UID, now time.Time) string {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, uid, n.Reason, n.Text, now.Unix()/int64(eventSpan.Seconds())) // never fails
	name := n.Object.Name
	if len(name) > maxEventName {
		name = name[:maxEventName]
	}
	return name + "." + hex.EncodeToString(h.Sum(nil))
}

// reference returns the reference of an object as it is now, nil if there is
// none. It lists by name: the controller may list what it judges, and needs no
// further right.
func (e *Events) reference(ctx context.Context, k inventory.Key) (*corev1.ObjectReference, error) {
	kind, known := inventory.KindOf(k.Kind)
	if !known {
		return nil, nil
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GVK().GroupVersion().WithKind(kind.GroupKind.Kind + "List"))
	byName := client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", k.Name)}
	err := e.Reader.List(ctx, list, client.InNamespace(k.Namespace), byName)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find %s: %w", k, err)
	case len(list.Items) == 0:
		e.counted.WithLabelValues("gone").Inc()
		return nil, nil
	}
	return &corev1.ObjectReference{
		APIVersion: kind.GVK().GroupVersion().String(), Kind: kind.GroupKind.Kind, Namespace: k.Namespace, Name: k.Name, UID: list.Items[0].UID,
	}, nil
}
