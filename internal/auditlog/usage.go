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

	// maxText bounds the bytes of all that is remembered: half a million
	// permissions have 50 MB, but a path or a name may be as long as a request line.
	maxText = 64 << 20
)

// Usage is what subjects did, without how often each object was touched.
type Usage struct {
	subjects map[string]map[permission]*seen
	count    int
	text     int // bytes of the texts
	lost     int
}

// permission is a request without the name.
type permission struct {
	verb, group, resource, sub, namespace, path string
}

func (p permission) size() int {
	return len(p.verb) + len(p.group) + len(p.resource) + len(p.sub) + len(p.namespace) + len(p.path)
}

type seen struct {
	times int
	names []string // sorted; nil with any set
	any   bool     // at least one request had no name, or there were too many
}

// NewUsage returns an empty one.
func NewUsage() *Usage { return &Usage{subjects: map[string]map[permission]*seen{}} }

// Add remembers a use. What lies in a folder that everybody may read counts as
// the folder: whoever asks for ever new paths there must not use up the memory.
func (u *Usage) Add(use Use) {
	r := use.Request
	if folder := publicFolder(r.Path); folder != "" && r.Verb == "get" {
		r.Path = folder
	}
	p := permission{r.Verb, r.Group, r.Resource, r.Subresource, r.Namespace, r.Path}
	of := u.subjects[use.User]
	s := of[p]
	if s == nil {
		size := len(use.User) + p.size()
		if u.count >= maxPermissions || u.text+size > maxText {
			u.lost++
			return
		}
		u.count++
		u.text += size
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
	case r.Name == "" || !known && (len(s.names) >= maxNames || u.text+len(r.Name) > maxText):
		s.names, s.any = nil, true
	case !known:
		u.text += len(r.Name)
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
