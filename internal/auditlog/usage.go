// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// The bounds of what a Usage remembers. A log of a busy month holds some ten
// thousand different permissions; names are what grows without end.
const (
	maxPermissions = 500_000
	maxNames       = 32 // of one permission; more are taken as any name
)

// Usage is what subjects did, without how often each object was touched.
type Usage struct {
	subjects map[string]map[permission]*seen
	count    int
	lost     int
}

// permission is a request without the name.
type permission struct {
	verb, group, resource, sub, namespace, path string
}

type seen struct {
	times int
	names []string // sorted; nil with any set
	any   bool     // at least one request had no name, or there were too many
}

// NewUsage returns an empty one.
func NewUsage() *Usage { return &Usage{subjects: map[string]map[permission]*seen{}} }

// Add remembers a use.
func (u *Usage) Add(use Use) {
	r := use.Request
	p := permission{r.Verb, r.Group, r.Resource, r.Subresource, r.Namespace, r.Path}
	of := u.subjects[use.User]
	s := of[p]
	if s == nil {
		if u.count >= maxPermissions {
			u.lost++
			return
		}
		u.count++
		if of == nil {
			of = map[permission]*seen{}
			u.subjects[use.User] = of
		}
		s = &seen{}
		of[p] = s
	}
	s.times++
	if s.any {
		return
	}
	at, known := slices.BinarySearch(s.names, r.Name)
	switch {
	case r.Name == "" || !known && len(s.names) >= maxNames:
		s.names, s.any = nil, true
	case !known:
		s.names = slices.Insert(s.names, at, r.Name)
	}
}

// Lost is how many uses were not remembered because there were too many different
// ones: a suggestion would lack permissions.
func (u *Usage) Lost() int { return u.lost }

// Users returns whom the log names, ordered.
func (u *Usage) Users() []string { return slices.Sorted(maps.Keys(u.subjects)) }

// Permission is something that a subject did.
type Permission struct {
	Request authz.Request // without a name
	Names   []string      // the objects, ordered; nil: any, or too many to list
	Times   int
}

// Of returns what a user did, ordered by namespace, group, resource and verb.
func (u *Usage) Of(user string) []Permission {
	out := make([]Permission, 0, len(u.subjects[user]))
	for p, s := range u.subjects[user] {
		out = append(out, Permission{
			Request: authz.Request{Verb: p.verb, Group: p.group, Resource: p.resource, Subresource: p.sub, Namespace: p.namespace, Path: p.path},
			Names:   slices.Clone(s.names), Times: s.times,
		})
	}
	slices.SortFunc(out, func(a, b Permission) int {
		x, y := a.Request, b.Request
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Group, y.Group),
			cmp.Compare(x.Resource, y.Resource), cmp.Compare(x.Subresource, y.Subresource), cmp.Compare(x.Verb, y.Verb))
	})
	return out
}
