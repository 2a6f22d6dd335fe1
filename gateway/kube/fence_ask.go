// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// held is an object of which the API server has said that there is one.
type held struct {
	kind    *kind
	name    translate.Name
	version string
}

// ask returns which guards the API server has now. Kinds that it does not know have none. One
// that is not watched yet is asked for as well: it may just have been installed. Should that
// be forbidden, it counts as one that is not, as discover has found.
func (f *fence) ask(ctx context.Context) ([]held, error) {
	ctx, stop := context.WithTimeout(ctx, asking)
	defer stop()
	lists, faults := make([]metav1.PartialObjectMetadataList, len(f.guards)), make([]error, len(f.guards))
	var all sync.WaitGroup
	for i, k := range f.guards {
		all.Go(func() {
			if err := f.client.names(ctx, k, &lists[i]); err != nil && !apierrors.IsNotFound(err) && (f.watcher(k) != nil || !apierrors.IsForbidden(err)) {
				faults[i] = fmt.Errorf("ask for all of kind %s: %w", k.name, err)
			}
		})
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	var out []held
	for i, k := range f.guards {
		for j := range lists[i].Items {
			o := &lists[i].Items[j]
			out = append(out, held{k, nameOf(o), o.ResourceVersion})
		}
	}
	return out, nil
}

// unheard are those of what the API server has said that were not read yet. Of one kind,
// versions can be compared (KEP-5504); those of an API server of which they cannot are to be
// the same.
func (f *fence) unheard(asked []held) []held {
	return slices.DeleteFunc(asked, func(h held) bool {
		w := f.watcher(h.kind)
		if w == nil || !w.synced() {
			return false
		}
		if o := w.get(h.name); o != nil && o.GetResourceVersion() == h.version {
			return true
		}
		order, err := resourceversion.CompareResourceVersion(w.readUpTo(), h.version)
		return err == nil && order >= 0
	})
}

// metadataOnly asks for the metadata of objects, and nothing else of them.
const metadataOnly = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// names lists the metadata of all objects of a kind. It is a consistent read: what was there
// when it was asked is in it.
func (c *client) names(ctx context.Context, k *kind, into *metav1.PartialObjectMetadataList) error {
	return c.request(k, place{}, &metav1.ListOptions{}).SetHeader("Accept", metadataOnly).Do(ctx).Into(into)
}
