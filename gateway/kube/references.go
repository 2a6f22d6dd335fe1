// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// references read the objects of a kind one by one, as long as they are wanted, and no
// others: of Secrets that is all that a gateway has to be allowed.
type references struct {
	kind    *kind
	client  *client
	limit   flowcontrol.RateLimiter
	log     logr.Logger
	changed func(change)
	open    map[translate.Name]*watcher
	left    map[translate.Name]bool // what is wanted beyond the bound
	count   atomic.Int64            // of open
}

const (
	// maxReferences are as many objects of a kind as are read of a namespace: each is a
	// watch, of some 50 to 100 KiB here and a scan there, and one Ingress can name thousands.
	maxReferences = 256
	// readsPerSecond and readsAtOnce are how fast they are asked for, all together: at once
	// what a cluster with some hundreds of certificates needs when this process begins.
	readsPerSecond, readsAtOnce = 50, 500
)

func newReferences(k *kind, c *client, limit flowcontrol.RateLimiter, log logr.Logger, changed func(change)) *references {
	return &references{kind: k, client: c, limit: limit, log: log, changed: changed, open: map[translate.Name]*watcher{}}
}

// want makes what is read what is wanted, up to the bound of each namespace, in order. It
// returns how many of them the API server has not said anything of yet.
func (r *references) want(ctx context.Context, names map[translate.Name]bool) (unanswered int) {
	names = r.bounded(names)
	for name, w := range r.open {
		if !names[name] {
			w.end()
			delete(r.open, name)
		}
	}
	for name := range names {
		w := r.open[name]
		if w == nil {
			w = r.client.begin(ctx, r.kind, place{name.Namespace, name.Name}, r.limit, r.log, r.changed)
			r.open[name] = w
		}
		if !w.answered() {
			unanswered++
		}
	}
	r.count.Store(int64(len(r.open)))
	return unanswered
}

// unanswered is of how many of these the API server has not said anything yet.
func (r *references) unanswered(names []translate.Name) (n int) {
	for _, name := range names {
		if w := r.open[name]; w != nil && !w.answered() {
			n++
		}
	}
	return n
}

// bounded are the first names of each namespace. The others count as not there.
func (r *references) bounded(names map[translate.Name]bool) map[translate.Name]bool {
	of, out, left := map[string]int{}, make(map[translate.Name]bool, len(names)), map[translate.Name]bool{}
	for _, name := range slices.SortedFunc(maps.Keys(names), compare) {
		if of[name.Namespace]++; of[name.Namespace] > maxReferences {
			left[name] = true
			continue
		}
		out[name] = true
	}
	if !maps.Equal(left, r.left) {
		for _, namespace := range slices.Sorted(maps.Keys(of)) {
			if of[namespace] > maxReferences {
				r.log.Info("more is referred to than is read of a namespace", "kind", r.kind.name, "namespace", namespace, "names", of[namespace], "read", maxReferences)
			}
		}
		r.left = left
		r.changed(meaning) // it is said of who refers to them
	}
	return out
}

// len is how many are read.
func (r *references) len() int { return int(r.count.Load()) }

// gather adds what is known, in the order of names.
func (r *references) gather(to *translate.Objects) {
	for _, name := range slices.SortedFunc(maps.Keys(r.open), compare) {
		if o := r.open[name].get(name); o != nil {
			r.kind.gather(to, []object{o})
		}
	}
}

// unread is why what is wanted is not known.
func (r *references) unread() map[translate.Name]string {
	out := make(map[translate.Name]string, len(r.left))
	for name := range r.left {
		out[name] = fmt.Sprintf("is not read: more than %d are referred to in namespace %s", maxReferences, name.Namespace)
	}
	for name, w := range r.open {
		if err := w.failure.Load(); err != nil && w.get(name) == nil && apierrors.IsForbidden(*err) {
			out[name] = fmt.Sprintf("may not be read: bind ClusterRole gatehouse-gateway-references in namespace %s", name.Namespace)
		} else if !w.answered() {
			out[name] = "is not known yet: the API server has not answered"
		}
	}
	return out
}

// wait returns when nothing is read any more, which ends with the context of want.
func (r *references) wait() {
	for _, w := range r.open {
		<-w.done
	}
}
