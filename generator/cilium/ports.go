// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// maxPorts is how many ports one entry of toPorts may have (pkg/policy/api,
// rule_validation.go); a rule may have any number of entries.
const maxPorts = 40

// Reasons why ports cannot be said.
var (
	errSCTP    = errors.New("the agents of Cilium do not know SCTP unless it is enabled (enable-sctp)")
	errNotHTTP = errors.New("requests of HTTP can be asked for on ports of TCP that are numbered or named, and not on all of them")
)

// ports returns the ports of a rule that can be said, and the edges of those.
func (r *renderer) ports(list []generator.Port, edges []*generator.Edge) ([]generator.Port, []*generator.Edge) {
	out := make([]generator.Port, 0, len(list))
	for _, p := range list {
		switch {
		case p.Validate() != nil:
		case p.Protocol == generator.SCTP && !r.options.SCTP:
			edges = r.without(edges, errSCTP, func(e *generator.Edge) bool { return e.Port.Protocol == generator.SCTP })
		case p.Name != "" && r.twice(p, edges) != nil:
			edges = r.without(edges, r.twice(p, edges), func(e *generator.Edge) bool { return e.Port == p })
		default:
			out = append(out, p)
		}
	}
	return out, edges
}

// without reports some edges, and returns the rest.
func (r *renderer) without(edges []*generator.Edge, err error, lost func(*generator.Edge) bool) []*generator.Edge {
	var rest []*generator.Edge
	for _, e := range edges {
		if lost(e) {
			r.problems.Add([]*generator.Edge{e}, err)
		} else {
			rest = append(rest, e)
		}
	}
	return rest
}

// twice says which of the accepting workloads gives a name to more than one
// port. Cilium keeps one port for a name, of one protocol (pkg/types,
// NamedPortMap).
func (r *renderer) twice(p generator.Port, edges []*generator.Edge) error {
	for _, e := range edges {
		if e.Port != p {
			continue
		}
		for _, w := range r.model.Members(e.To) {
			if len(w.Named(p.Name)) > 1 {
				return fmt.Errorf("%s has several ports named %s, and Cilium keeps one for a name: give the numbers", w.ID, p.Name)
			}
		}
	}
	return nil
}

// requests returns what a rule asks for, where the connection is accepted: once is
// enough. Without what cannot be asked for requests, it returns the ports and edges. The
// proxy that looks at requests has their query in the path, and an expression is about
// the whole of it (pkg/envoy/policy, envoy_l7_rules_translator.go).
func (r *renderer) requests(p *compact.Policy, from *compact.Rule, list []generator.Port, edges []*generator.Edge) (*api.L7Rules, []generator.Port, []*generator.Edge) {
	asked := from.Requests.List()
	if len(asked) == 0 || p.Direction != compact.Ingress || r.options.Enforcement == Observe {
		return nil, list, edges
	}
	rest := make([]generator.Port, 0, len(list))
	for _, port := range list {
		if port.Protocol == generator.TCP && port != generator.EveryPort(generator.TCP) {
			rest = append(rest, port)
			continue
		}
		edges = r.without(edges, errNotHTTP, func(e *generator.Edge) bool { return e.Port.Protocol == port.Protocol })
	}
	out := &api.L7Rules{HTTP: make(api.PortRulesHTTP, 0, len(asked))}
	for _, q := range asked {
		one := api.PortRuleHTTP{Method: q.Method}
		if path, open := strings.CutSuffix(q.Path, "*"); open {
			one.Path = regexp.QuoteMeta(path) + ".*"
		} else if path != "" {
			one.Path = regexp.QuoteMeta(path) + `(\?.*)?`
		}
		out.HTTP = append(out.HTTP, one)
	}
	return out, rest, edges
}

// portRules writes ports down, as many entries as they need.
func portRules(list []generator.Port, asked *api.L7Rules) api.PortRules {
	var out api.PortRules
	for chunk := range slices.Chunk(list, maxPorts) {
		entry := api.PortRule{Rules: asked}
		for _, p := range chunk {
			entry.Ports = append(entry.Ports, portOf(p))
		}
		out = append(out, entry)
	}
	return out
}

func portOf(p generator.Port) api.PortProtocol {
	out := api.PortProtocol{Port: p.Name, Protocol: api.L4Proto(p.Protocol.String())}
	switch {
	case p.Name != "":
	case p == generator.EveryPort(p.Protocol):
		out.Port = "0" // every one
	default:
		out.Port = strconv.Itoa(int(p.First))
		if p.Last > p.First {
			out.EndPort = int32(p.Last)
		}
	}
	return out
}
