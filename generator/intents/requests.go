// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// requests reads those that a connection is for; none of them is left out, as it would
// be for others then. What is wrong is a problem at its own place.
func (r *reader) requests(at place, list []v1alpha1.NetworkRequest, field string) (generator.Requests, bool) {
	var out []generator.Request
	for i := range list {
		n, field := &list[i], fmt.Sprintf("%s[%d]", field, i)
		if len(n.Methods)+len(n.Paths) == 0 {
			at.field, at.what = field, field
			r.problem(&at, "says nothing: give methods, paths or both")
			return generator.Requests{}, false
		}
		for j, method := range orAny(n.Methods) {
			for k, path := range orAny(n.Paths) {
				one := generator.Request{Method: method, Path: path}
				at.field = fmt.Sprintf("%s.paths[%d]", field, k)
				fault := generator.Request{Path: path}.Validate()
				if wrong := (generator.Request{Method: method}).Validate(); wrong != nil {
					at.field, fault = fmt.Sprintf("%s.methods[%d]", field, j), wrong
				}
				if fault != nil {
					at.what = at.field
					r.problem(&at, "%q: %v", notation.Shortened(one.Method+one.Path), fault)
					return generator.Requests{}, false
				}
				out = append(out, one)
			}
		}
	}
	return generator.RequestsOf(out...), true
}

func orAny(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// unasked says why requests cannot be asked for on a connection; empty where they can.
func unasked(to generator.Peer, p generator.Port) string {
	switch {
	case !to.HasPods() && to.Kind != generator.ServicePeer:
		return fmt.Sprintf("requests of HTTP are asked for by the pods that accept them, and %s is none", to)
	case p != (generator.Port{}) && (p.Protocol != generator.TCP || p == generator.EveryPort(generator.TCP)):
		return fmt.Sprintf("requests of HTTP are asked for on ports of TCP that are said, and not on %s", p)
	}
	return ""
}

// overTCP leaves out what is known not to be of TCP.
func overTCP(ports []generator.Port) []generator.Port {
	return slices.DeleteFunc(slices.Clone(ports), func(p generator.Port) bool { return p != (generator.Port{}) && p.Protocol != generator.TCP })
}
