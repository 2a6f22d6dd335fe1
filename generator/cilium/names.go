// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"errors"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// Reasons why a name cannot be said.
var (
	errNoLookup = errors.New("the addresses of a name are learned from the answers of the name servers: let the same pods reach dns on its port")
	errWildcard = errors.New(`a wildcard stands for the labels at the beginning of a name, "*.example.com"`)
)

// lookup is pods of a namespace that may ask the name servers.
type lookup struct {
	namespace string
	subject   *metav1.LabelSelector
}

// watch notes in which namespaces the answers of the name servers have to be read
// because a policy names names, and which pods may ask these servers there.
func (r *renderer) watch(policies []compact.Policy) {
	egress := slices.DeleteFunc(slices.Clone(policies), func(p compact.Policy) bool { return p.Direction != compact.Egress })
	for i := range egress {
		if slices.ContainsFunc(egress[i].Rules, func(from compact.Rule) bool {
			return slices.ContainsFunc(from.Peers, func(q compact.Peer) bool { return q.IsName() })
		}) {
			r.watched[egress[i].Namespace] = true
		}
	}
	for i := range egress {
		p := &egress[i]
		if slices.ContainsFunc(p.Rules, func(from compact.Rule) bool { return r.asks(p, from) }) {
			r.lookups = append(r.lookups, lookup{p.Namespace, &p.Subject})
		}
	}
}

// asks reports whether what is written of a rule lets its pods ask name servers whose
// answers are read. A server may be one that cannot be said.
func (r *renderer) asks(p *compact.Policy, from compact.Rule) bool {
	if from.Peers, _ = r.servers(p, &from); len(from.Peers) == 0 {
		return false
	}
	trial := renderer{model: r.model, options: r.options, apart: r.apart, watched: r.watched} // with problems of its own
	return len(trial.rule(p, &from)) > 0
}

func (r *renderer) isServer(q compact.Peer) bool {
	return q.Kind == generator.DNSPeer && (q.IsPods() || q.IsBlock() && !q.Block.Prefix.Addr().IsLinkLocalUnicast())
}

// servers takes the name servers out of the peers of a rule, where their answers
// have to be read: a rule that reads them has no other peers.
func (r *renderer) servers(p *compact.Policy, from *compact.Rule) (servers, others []compact.Peer) {
	if p.Direction != compact.Egress || !r.watched[p.Namespace] || len(r.asking(from.Ports)) == 0 {
		return nil, from.Peers
	}
	for i := range from.Peers {
		if q := from.Peers[i]; r.isServer(q) {
			servers = append(servers, q)
		} else {
			others = append(others, q)
		}
	}
	return servers, others
}

// asking returns the ports of a list on which names are asked for, each a single
// number: those that the group of name servers has for UDP, 53 if it says none.
func (r *renderer) asking(list []generator.Port) []generator.Port {
	allowed := generator.Ports(list...)
	ports := r.model.Environment.DNS.Ports
	if len(ports) == 0 {
		ports = []generator.Port{generator.NumberedPort(generator.UDP, 53)}
	}
	var out []generator.Port
	for _, p := range ports {
		if p.Protocol != generator.UDP || p.Name != "" || p.First != p.Last || !allowed.Contains(p) {
			continue
		}
		out = append(out, p)
		if tcp := generator.NumberedPort(generator.TCP, p.First); allowed.Contains(tcp) {
			out = append(out, tcp)
		}
	}
	slices.SortFunc(out, generator.Port.Compare)
	return slices.Compact(out)
}

// lookupPorts writes the ports of a rule about name servers down: where names
// are asked for, the answers are read. Wider ports stay beside them; a rule
// about the very port counts before them.
func (r *renderer) lookupPorts(list []generator.Port) api.PortRules {
	asking := r.asking(list)
	var rest []generator.Port
	for _, p := range list {
		if !slices.Contains(asking, p) {
			rest = append(rest, p)
		}
	}
	every := &api.L7Rules{DNS: api.PortRulesDNS{{MatchPattern: "*"}}}
	return slices.Concat(portRules(asking, every), portRules(rest, nil))
}

// name writes a domain name down, where the pods of the policy may ask for it.
// In Cilium one star is one label at most, and two are all of them.
func (r *renderer) name(p *compact.Policy, name string) (api.FQDNSelector, error) {
	able := slices.ContainsFunc(r.lookups, func(l lookup) bool {
		return (l.namespace == "" || l.namespace == p.Namespace) && covers(l.subject, &p.Subject)
	})
	rest, wild := strings.CutPrefix(name, "*.")
	switch {
	case !able:
		return api.FQDNSelector{}, errNoLookup
	case strings.Contains(rest, "*"):
		return api.FQDNSelector{}, errWildcard
	case wild:
		return api.FQDNSelector{MatchPattern: "**." + rest}, nil
	}
	return api.FQDNSelector{MatchName: name}, nil
}

// covers reports whether every pod that one selector selects is one that the
// other does; also no where that takes more than looking at both.
func covers(wide, narrow *metav1.LabelSelector) bool {
	for key, value := range wide.MatchLabels {
		if !demands(narrow, key, []string{value}) {
			return false
		}
	}
	for _, e := range wide.MatchExpressions {
		same := func(o metav1.LabelSelectorRequirement) bool {
			return e.Key == o.Key && e.Operator == o.Operator && slices.Equal(e.Values, o.Values)
		}
		switch {
		case slices.ContainsFunc(narrow.MatchExpressions, same):
		case e.Operator == metav1.LabelSelectorOpIn && demands(narrow, e.Key, e.Values):
		case e.Operator == metav1.LabelSelectorOpExists && demands(narrow, e.Key, nil):
		default:
			return false
		}
	}
	return true
}

// demands reports whether a selector wants one of some values of a label; of any
// when there are none.
func demands(s *metav1.LabelSelector, key string, values []string) bool {
	among := func(list ...string) bool {
		return len(values) == 0 || !slices.ContainsFunc(list, func(v string) bool { return !slices.Contains(values, v) })
	}
	if value, has := s.MatchLabels[key]; has && among(value) {
		return true
	}
	return slices.ContainsFunc(s.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool {
		switch {
		case e.Key != key:
			return false
		case e.Operator == metav1.LabelSelectorOpIn:
			return among(e.Values...)
		}
		return e.Operator == metav1.LabelSelectorOpExists && len(values) == 0
	})
}
