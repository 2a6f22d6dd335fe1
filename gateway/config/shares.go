// SPDX-License-Identifier: Apache-2.0

package config

import "reflect"

// shares tells whether two routes are the same without a look at what they share: their
// slices, maps and pointers are the same ones. If not, that is not known.
func (r *Route) shares(o *Route) bool {
	return r.Name == o.Name && sameList(r.Listeners, o.Listeners) && sameList(r.Hosts, o.Hosts) &&
		sameList(r.Matches, o.Matches) && sameList(r.Traffic, o.Traffic) && sameList(r.Access, o.Access) && sameList(r.AccessBeside, o.AccessBeside) &&
		r.Target.shares(&o.Target)
}

func (t *Target) shares(o *Target) bool {
	return sameList(t.Backends, o.Backends) && t.Redirect == o.Redirect && t.Rewrite == o.Rewrite &&
		t.Request.shares(&o.Request) && t.Response.shares(&o.Response) &&
		t.Timeout == o.Timeout && t.AttemptTimeout == o.AttemptTimeout && t.BodyBytes == o.BodyBytes &&
		sameList(t.Mirrors, o.Mirrors) && t.Retry == o.Retry && t.CORS == o.CORS
}

func (e *HeaderEdit) shares(o *HeaderEdit) bool {
	return sameMap(e.Set, o.Set) && sameMap(e.Add, o.Add) && sameList(e.Remove, o.Remove)
}

func (b *Backend) shares(o *Backend) bool {
	return b.Name == o.Name && sameList(b.Endpoints, o.Endpoints) && b.Protocol == o.Protocol && b.TLS == o.TLS &&
		b.Balance == o.Balance && b.Timeouts == o.Timeouts && b.Breaker == o.Breaker &&
		b.Outlier == o.Outlier && b.Health == o.Health && b.AllUnhealthy == o.AllUnhealthy
}

// sameList tells whether two slices are one, or both nothing.
func sameList[T any](a, b []T) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

// sameMap is sameList, of maps.
func sameMap(a, b map[string]string) bool {
	return a == nil && b == nil || a != nil && b != nil && reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}
