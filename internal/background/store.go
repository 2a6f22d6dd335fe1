// SPDX-License-Identifier: Apache-2.0

package background

import (
	"reflect"
	"slices"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// store takes one judgement over.
func (s *Scan) store(j judgement) {
	i, known := s.ids[j.key]
	switch {
	case known:
	case len(s.free) > 0:
		i = s.free[len(s.free)-1]
		s.free = s.free[:len(s.free)-1]
	default:
		i = id(len(s.objects)) //nolint:gosec // no inventory holds 2^32 objects
		s.objects = append(s.objects, object{})
	}
	s.ids[j.key] = i
	s.link(i, s.objects[i].reads, j.reads)
	s.objects[i] = object{j.key, j.reads}
	s.set(j.key, j.verdict)
}

func (s *Scan) forget(k inventory.Key) {
	i, known := s.ids[k]
	if !known {
		return
	}
	delete(s.ids, k)
	s.link(i, s.objects[i].reads, nil)
	s.objects[i] = object{}
	s.free = append(s.free, i)
	s.set(k, nil)
}

// link replaces the look-ups of an object. Both lists are ordered; what is in
// both costs nothing, and mostly that is all.
func (s *Scan) link(i id, was, is []inventory.Read) {
	for len(was) > 0 || len(is) > 0 {
		switch {
		case len(is) == 0 || len(was) > 0 && was[0] < is[0]:
			list := s.readers[was[0]]
			if at := slices.Index(list, i); at >= 0 {
				list[at] = list[len(list)-1]
				list = list[:len(list)-1]
			}
			if len(list) == 0 {
				delete(s.readers, was[0])
			} else {
				s.readers[was[0]] = list
			}
			was = was[1:]
		case len(was) == 0 || is[0] < was[0]:
			s.readers[is[0]] = append(s.readers[is[0]], i)
			is = is[1:]
		default:
			was, is = was[1:], is[1:]
		}
	}
}

// set stores a verdict and notes whether it differs from the one before.
func (s *Scan) set(k inventory.Key, v policy.Verdict) {
	verdicts := s.failing[k.Namespace]
	switch was, had := verdicts[k]; {
	case len(v) == 0 && !had, had && reflect.DeepEqual(was, v):
		return
	case len(v) == 0:
		delete(verdicts, k)
		if len(verdicts) == 0 {
			delete(s.failing, k.Namespace)
		}
	case verdicts == nil:
		s.failing[k.Namespace] = map[inventory.Key]policy.Verdict{k: v}
	default:
		verdicts[k] = v
	}
	s.dirty[k.Namespace] = true
}
