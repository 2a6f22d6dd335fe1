// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// manager is the name by which the API server knows which fields are ours.
const manager = "gatehouse-gateway"

// update is a status that is to be written.
type update struct {
	kind    *kind
	name    translate.Name
	version string // of the object that it was made for
	meta    map[string]any
	status  any
}

// newUpdate makes the update of an object's status. Lists that others write into as well
// are one value to the API server (x-kubernetes-list-type: atomic): who writes one writes
// all of it, so it must be known that nobody has changed it meanwhile.
func newUpdate(k *kind, o object, status any, shared bool) update {
	meta := map[string]any{"name": o.GetName(), "uid": o.GetUID()}
	if o.GetNamespace() != "" {
		meta["namespace"] = o.GetNamespace()
	}
	if shared {
		meta["resourceVersion"] = o.GetResourceVersion()
	}
	return update{kind: k, name: nameOf(o), version: o.GetResourceVersion(), meta: meta, status: status}
}

// body is what is sent. It is made when it is: of most updates that are offered, a newer
// one takes the place before that.
func (u *update) body() ([]byte, error) {
	gvk := u.kind.groupVersionKind()
	return json.Marshal(map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind, "metadata": u.meta, "status": u.status})
}

var moment = regexp.MustCompile(`"lastTransitionTime":"[^"]*"`)

// says tells whether two updates of one version of an object say the same, whenever they
// were made.
func (u *update) says(other *update) bool {
	if u.version != other.version {
		return false
	}
	a, err := json.Marshal(u.status)
	b, fault := json.Marshal(other.status)
	return err == nil && fault == nil && bytes.Equal(moment.ReplaceAll(a, nil), moment.ReplaceAll(b, nil))
}

// target is what an update is of.
type target struct {
	kind *kind
	name translate.Name
}

// writer writes statuses, a bounded number in a second. What is offered is what is to be
// written altogether, so what is outdated is never written.
type writer struct {
	client *client
	log    logr.Logger
	wrote  *prometheus.CounterVec
	again  func() // has statuses looked at once more
	limit  flowcontrol.RateLimiter

	mu     sync.Mutex
	offers []update
	sent   map[target]update // that the cache may not have yet
	wake   chan struct{}
	failed bool // the last write
}

// Bounds of what is written: a cluster with 5,000 routes has them all in a minute.
const (
	perSecond = 100
	burst     = 200
	writers   = 4
)

func newWriter(c *client, log logr.Logger, again func()) *writer {
	return &writer{client: c, log: log, again: again, limit: flowcontrol.NewTokenBucketRateLimiter(perSecond, burst), sent: map[target]update{}, wake: make(chan struct{}, writers)}
}

// offer replaces what is to be written.
func (w *writer) offer(all []update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wanted := make(map[target]bool, len(all))
	w.offers = w.offers[:0]
	for _, u := range all {
		at := target{u.kind, u.name}
		wanted[at] = true
		if s, is := w.sent[at]; is && s.says(&u) {
			continue // it was written, and is on its way back
		}
		w.offers = append(w.offers, u)
	}
	for at := range w.sent {
		if !wanted[at] {
			delete(w.sent, at)
		}
	}
	// Classes and Gateways first: there are few, and somebody waits for their addresses.
	slices.SortStableFunc(w.offers, func(a, b update) int { return cmp.Compare(rank(a.kind), rank(b.kind)) })
	for range min(len(w.offers), writers) {
		signal(w.wake)
	}
}

func rank(k *kind) int {
	switch k.name {
	case "GatewayClass":
		return 0
	case "Gateway":
		return 1
	}
	return 2
}

// left is how many are to be written.
func (w *writer) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.offers)
}

// take returns the next update.
func (w *writer) take() (update, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.offers) == 0 {
		return update{}, false
	}
	u := w.offers[0]
	w.offers = w.offers[1:]
	w.sent[target{u.kind, u.name}] = u
	return u, true
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) {
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for ctx.Err() == nil {
				u, is := w.take()
				if !is {
					select {
					case <-ctx.Done():
					case <-w.wake:
					}
					continue
				}
				w.write(ctx, &u)
			}
		})
	}
	all.Wait()
}

// Times after which a status that was not written is looked at again.
const (
	afterConflict = 100 * time.Millisecond // the object is on its way
	afterFault    = 2 * time.Second
)

func (w *writer) write(ctx context.Context, u *update) {
	if w.limit.Wait(ctx) != nil {
		return
	}
	body, err := u.body()
	if err != nil {
		w.tell(err, u)
		return
	}
	force := true
	err = w.client.byVersion[u.kind.resource.GroupVersion()].Patch(types.ApplyPatchType).Namespace(u.name.Namespace).Resource(u.kind.resource.Resource).
		Name(u.name.Name).SubResource("status").VersionedParams(&metav1.PatchOptions{FieldManager: manager, Force: &force}, metav1.ParameterCodec).
		Body(body).Do(ctx).Error()
	if err == nil {
		w.wrote.WithLabelValues("written").Inc()
		w.tell(nil, u)
		return
	}
	w.mu.Lock()
	delete(w.sent, target{u.kind, u.name})
	w.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		w.log.V(1).Info("the object has changed", "kind", u.kind.name, "object", u.name.String(), "fault", err.Error())
		w.wrote.WithLabelValues("conflict").Inc()
		time.AfterFunc(afterConflict, w.again)
	default:
		w.wrote.WithLabelValues("failed").Inc()
		w.tell(err, u)
		time.AfterFunc(afterFault, w.again)
		sleep(ctx, afterFault/2)
	}
}

// tell logs the first fault after a status was written, and the end of faults.
func (w *writer) tell(err error, u *update) {
	w.mu.Lock()
	before := w.failed
	w.failed = err != nil
	w.mu.Unlock()
	switch {
	case before == (err != nil):
	case err != nil:
		w.log.Error(err, "a status cannot be written", "kind", u.kind.name, "object", u.name.String())
	default:
		w.log.Info("statuses are written again")
	}
}
