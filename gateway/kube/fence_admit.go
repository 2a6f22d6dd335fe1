// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"maps"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// admit returns what may be served of what was read while some of it may not yet: doors as
// they were let through, with their guards of now and those that have gone since, which may
// have gone because of how a door is now. What is new may take the place of a door that has
// gone, which is therefore kept while the trial has only begun; then it goes.
func (f *fence) admit(now map[*kind]view) map[*kind]view {
	out := maps.Clone(now)
	for k, v := range now {
		switch k.part {
		case door:
			out[k] = f.held(f.known[k], v)
		case guard:
			out[k] = with(v, f.known[k])
		case endpoint:
		}
	}
	return out
}

// held are the doors of a kind that may be served.
func (f *fence) held(known, now view) view {
	young := f.young()
	if now.meant == known.meant && (!young || len(now.objects) == len(known.objects)) {
		return now // nothing is new, and what has gone goes
	}
	is := byName(now.objects)
	out := view{meant: known.meant}
	for _, o := range known.objects {
		switch other := is[nameOf(o)]; {
		case other == nil || other.GetUID() != o.GetUID():
			if young {
				out.objects = append(out.objects, o)
			}
		case other.GetDeletionTimestamp() != nil:
			out.objects = append(out.objects, other) // it counts as gone, for its guards may go before it does
		default:
			out.objects = append(out.objects, o)
		}
	}
	return out
}

// keep has guards of now go with what has just been let through, and those that have gone
// since: a door may have been changed before they went, which is not let through yet.
func (f *fence) keep(now map[*kind]view) {
	for k, v := range now {
		if k.part == guard {
			f.known[k] = with(v, f.known[k])
		}
	}
}

// with is what is read of guards now, and what was before and has gone.
func with(now, before view) view {
	is := byName(now.objects)
	out := view{slices.Clone(now.objects), now.meant}
	for _, o := range before.objects {
		if is[nameOf(o)] == nil {
			out.objects = append(out.objects, o)
		}
	}
	return out
}

func byName(objects []object) map[translate.Name]object {
	out := make(map[translate.Name]object, len(objects))
	for _, o := range objects {
		out[nameOf(o)] = o
	}
	return out
}
