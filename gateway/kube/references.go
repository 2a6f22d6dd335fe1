// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync/atomic"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// references read the objects of a kind one by one, as long as they are wanted, and no
// others: of Secrets that is all that a gateway has to be allowed.
type references struct {
	kind    *kind
	client  *client
	log     logr.Logger
	changed func(change)
	open    map[translate.Name]*watcher
	count   atomic.Int64 // of open
}

func newReferences(k *kind, c *client, log logr.Logger, changed func(change)) *references {
	return &references{kind: k, client: c, log: log, changed: changed, open: map[translate.Name]*watcher{}}
}

// want makes what is read what is wanted. It returns how many of them the API server has
// not said anything of yet.
func (r *references) want(ctx context.Context, names map[translate.Name]bool) (unanswered int) {
	for name, w := range r.open {
		if !names[name] {
			w.end()
			delete(r.open, name)
		}
	}
	for name := range names {
		w := r.open[name]
		if w == nil {
			w = r.client.begin(ctx, r.kind, place{name.Namespace, name.Name}, r.log, r.changed)
			r.open[name] = w
		}
		if !w.answered() {
			unanswered++
		}
	}
	r.count.Store(int64(len(r.open)))
	return unanswered
}

// len is how many are read.
func (r *references) len() int { return int(r.count.Load()) }

func (r *references) gather(to *translate.Objects) {
	for name, w := range r.open {
		if o := w.get(name); o != nil {
			r.kind.gather(to, []object{o})
		}
	}
}

// wait returns when nothing is read any more, which ends with the context of want.
func (r *references) wait() {
	for _, w := range r.open {
		<-w.done
	}
}
