// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

const (
	// pageSize is how many objects one request lists: client-go's own default
	// (k8s.io/client-go/tools/pager).
	pageSize = 500

	// listers is how many kinds are listed at once.
	listers = 6
)

// LoadOptions tune Load. The zero value reads every kind.
type LoadOptions struct {
	// Kinds to read; empty means all of inventory.Readable. Kinds that an inventory
	// does not know are read as they are.
	Kinds []inventory.Kind

	// Namespaces, when there are any, are those to read: each kind is listed in one
	// after the other, and has an entry for each in the coverage. Kinds without
	// namespaces are left out then.
	Namespaces []string

	// Connections keeps what generator/manifests reads (inventory.TrimConnections).
	Connections bool

	// Progress, when set, is called after every page with the number of objects
	// of that kind so far. Calls do not overlap, but come from any goroutine.
	Progress func(kind inventory.Kind, objects int)
}

// Snapshot is what a cluster held. It is not one instant: each kind is as of
// when it was listed.
type Snapshot struct {
	// Objects are trimmed (inventory.Trim) and carry their kind.
	Objects []inventory.Object

	// Coverage has one entry per kind, and per namespace where these were asked
	// for, in the order of the kinds asked for.
	Coverage []Coverage
}

// Unread returns the kinds that the cluster has and that could not be read: what
// a report must not pass over.
func (s *Snapshot) Unread() []Coverage {
	var out []Coverage
	for _, c := range s.Coverage {
		if c.State == Unreadable {
			out = append(out, c)
		}
	}
	return out
}

// Load lists every kind, page by page. A kind that the API server refuses to
// list is reported as Unreadable in the coverage and is no error; an API server
// that cannot be reached, or does not know the caller, is. Everything that was
// read is returned with the error.
func (c *Client) Load(ctx context.Context, o LoadOptions) (Snapshot, error) {
	kinds := o.Kinds
	if len(kinds) == 0 {
		kinds = inventory.Readable()
	}
	lists := listsOf(kinds, o.Namespaces)
	served, err := c.discover(ctx)
	if err != nil {
		return Snapshot{Coverage: unread(lists, err)}, err
	}
	l := &loading{client: c, options: o, served: served, found: make([][]inventory.Object, len(lists)), coverage: make([]Coverage, len(lists))}
	next := make(chan int)
	var wg sync.WaitGroup
	for range listers {
		wg.Go(func() {
			for i := range next {
				l.kind(ctx, i, lists[i])
			}
		})
	}
	for i := range lists {
		next <- i
	}
	close(next)
	wg.Wait()
	return l.snapshot(ctx)
}

// listed is one list: of a kind, in one namespace or in all.
type listed struct {
	inventory.Kind
	namespace string
}

func listsOf(kinds []inventory.Kind, namespaces []string) []listed {
	var out []listed
	for _, k := range kinds {
		if len(namespaces) == 0 {
			out = append(out, listed{Kind: k})
		}
		for _, namespace := range namespaces {
			if k.Namespaced {
				out = append(out, listed{k, namespace})
			}
		}
	}
	return out
}

func unread(lists []listed, err error) []Coverage {
	out := make([]Coverage, len(lists))
	for i, k := range lists {
		out[i] = Coverage{Kind: k.GroupKind, Namespace: k.namespace, Err: err}
	}
	return out
}

// loading is one call of Load. Each element of found and coverage is written by
// one goroutine.
type loading struct {
	client   *Client
	options  LoadOptions
	served   *served
	found    [][]inventory.Object
	coverage []Coverage
	progress sync.Mutex
}

func (l *loading) kind(ctx context.Context, i int, kind listed) {
	cover := &l.coverage[i]
	cover.Kind, cover.Namespace = kind.GroupKind, kind.namespace
	version, err := l.served.version(kind.Kind)
	switch {
	case err != nil:
		cover.Err = err
		return
	case version == "":
		cover.State = NotInstalled
		return
	}
	objects, err := l.list(ctx, kind, version)
	switch {
	case apierrors.IsNotFound(err) && !kind.BuiltIn:
		cover.State = NotInstalled
	case err != nil:
		cover.Err = fmt.Errorf("list %s: %w", kind.Resource, err)
	default:
		cover.State, cover.Version, cover.Objects = Complete, version, len(objects)
		l.found[i] = objects
	}
}

func (l *loading) list(ctx context.Context, kind listed, version string) ([]inventory.Object, error) {
	r, err := l.client.resource(kind.Kind, version, kind.namespace)
	if err != nil {
		return nil, err
	}
	var out []inventory.Object
	o := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := r.list(ctx, o)
		if apierrors.IsResourceExpired(err) && o.Continue != "" {
			// The list took longer than etcd keeps history: start again, in one
			// piece, as client-go's pager does.
			out, o = nil, metav1.ListOptions{}
			continue
		}
		if err != nil {
			return nil, err
		}
		if out, err = appendPage(out, page, kind.GroupKind.WithVersion(version), l.trim()); err != nil {
			return nil, err
		}
		list, err := meta.ListAccessor(page)
		if err != nil {
			return nil, err
		}
		l.report(kind.Kind, len(out))
		if o.Continue = list.GetContinue(); o.Continue == "" {
			return out, nil
		}
	}
}

func (l *loading) report(kind inventory.Kind, n int) {
	if l.options.Progress == nil {
		return
	}
	l.progress.Lock()
	defer l.progress.Unlock()
	l.options.Progress(kind, n)
}

// trim returns what takes off an object what nobody reads.
func (l *loading) trim() func(inventory.Object) {
	if l.options.Connections {
		return inventory.TrimConnections
	}
	return inventory.Trim
}

func appendPage(out []inventory.Object, page runtime.Object, gvk schema.GroupVersionKind, trim func(inventory.Object)) ([]inventory.Object, error) {
	err := meta.EachListItem(page, func(item runtime.Object) error {
		o, ok := item.(inventory.Object)
		if !ok {
			return fmt.Errorf("%T is not an API object", item)
		}
		trim(o)
		o.GetObjectKind().SetGroupVersionKind(gvk)
		out = append(out, o)
		return nil
	})
	return out, err
}

// snapshot puts the kinds together. What no status of the API server explains is
// an error of the run: the connection, the context, the credentials.
func (l *loading) snapshot(ctx context.Context) (Snapshot, error) {
	s := Snapshot{Coverage: l.coverage}
	var faults []error
	for i := range l.coverage {
		s.Objects = append(s.Objects, l.found[i]...)
		err := l.coverage[i].Err
		var status apierrors.APIStatus
		if err != nil && (!errors.As(err, &status) || apierrors.IsUnauthorized(err)) {
			faults = append(faults, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return s, fmt.Errorf("read cluster: %w", err)
	}
	return s, errors.Join(faults...)
}

// served says which resources the cluster has, in which versions.
type served struct {
	versions map[schema.GroupResource][]string // in the server's order of preference
	failed   map[string]error                  // groups whose server did not answer
	unknown  bool                              // the caller may not ask: try every kind
}

// version returns the version to read a kind in, "" when it is not installed.
func (s *served) version(kind inventory.Kind) (string, error) {
	if s.unknown {
		return kind.Version, nil
	}
	list := s.versions[kind.GVR().GroupResource()]
	for _, v := range list {
		if v == kind.Version {
			return v, nil
		}
	}
	if len(list) > 0 {
		return list[0], nil
	}
	return "", s.failed[kind.Group]
}

// discover asks the API server for its resources.
func (c *Client) discover(ctx context.Context) (*served, error) {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, fmt.Errorf("discover resources: %w", err)
	}
	s := &served{versions: map[schema.GroupResource][]string{}, failed: map[string]error{}}
	_, lists, err := client.ServerGroupsAndResourcesWithContext(ctx)
	if broken, partly := discovery.GroupDiscoveryFailedErrorGroups(err); partly {
		for gv, err := range broken {
			s.failed[gv.Group] = fmt.Errorf("discover %s: %w", gv, err)
		}
		err = nil
	}
	switch {
	case apierrors.IsForbidden(err):
		s.unknown = true
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("discover resources: %w", err)
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // not a version that any kind has
		}
		for i := range list.APIResources {
			gr := schema.GroupResource{Group: gv.Group, Resource: list.APIResources[i].Name}
			s.versions[gr] = append(s.versions[gr], gv.Version)
		}
	}
	return s, nil
}
