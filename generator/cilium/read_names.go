// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// together is all policies of a list: what names mean in one, others say.
type together struct {
	policies []verify.Policy
	watched  []verify.Pods // whose look-ups of names are read
}

func (a *together) add(p verify.Policy, watched bool) {
	a.policies = append(a.policies, p)
	if watched {
		a.watched = append(a.watched, p.Subject)
	}
}

// learned returns the policies. A name has no addresses for pods whose look-ups
// nobody reads (cilium/cilium#28427).
func (a *together) learned() []verify.Policy {
	for i := range a.policies {
		p := &a.policies[i]
		if slices.ContainsFunc(a.watched, func(w verify.Pods) bool {
			return implies(p.Subject.Namespaces, w.Namespaces) && implies(p.Subject.Pods, w.Pods)
		}) {
			continue
		}
		for j := range p.Egress {
			rule := &p.Egress[j]
			rule.Peers = slices.DeleteFunc(rule.Peers, func(q verify.Peer) bool { return q.Domain != "" && rule.Action == verify.Accept })
		}
		p.Egress = slices.DeleteFunc(p.Egress, func(r verify.Rule) bool { return len(r.Peers) == 0 && !r.Anyone })
	}
	return a.policies
}

// readsAnswers reports whether ports are those of name servers whose answers to
// every question are read.
func readsAnswers(p api.PortRule) bool {
	return p.Rules != nil && slices.ContainsFunc(p.Rules.DNS, func(d api.PortRuleDNS) bool { return d.MatchPattern == "*" }) &&
		slices.ContainsFunc(p.Ports, func(q api.PortProtocol) bool { return q.Protocol.IsAny() || q.Protocol == api.ProtoUDP })
}

// domain: two stars at the beginning are one label or several; other stars are
// part of a label, which is not read.
func (r *reader) domain(at string, n api.FQDNSelector) []verify.Peer {
	name := n.MatchName
	if name == "" {
		name = n.MatchPattern
		if rest, ok := strings.CutPrefix(name, "**."); ok {
			name = "*." + rest
		} else if strings.Contains(name, "*") {
			r.fault(at, "the pattern %q is not read", name)
			return nil
		}
	}
	if name == "" || strings.Contains(strings.TrimPrefix(name, "*."), "*") {
		r.fault(at, "the name %q is not read", name)
		return nil
	}
	return []verify.Peer{{Domain: name}}
}

// ofNames adds the domain names to peers that are denied, where these are everything
// outside of the cluster in one family of addresses: the addresses of a name have the
// labels of every block that holds them (pkg/ipcache/metadata.go), and a rule that denies
// counts before the one that allows the name. Which names a smaller block holds only the
// name servers know.
func ofNames(list []verify.Peer) []verify.Peer {
	if slices.ContainsFunc(list, func(p verify.Peer) bool { return p.Block.Prefix.IsValid() && p.Block.Prefix.Bits() == 0 }) {
		list = append(list, verify.Peer{Domain: verify.EveryDomain})
	}
	return list
}

// implies reports whether whatever one selector matches, the other does too; no
// where that takes more than to compare requirements one by one.
func implies(narrow, wide labels.Selector) bool {
	has, _ := narrow.Requirements()
	wants, selectable := wide.Requirements()
	if !selectable {
		return false
	}
	for _, w := range wants {
		if !slices.ContainsFunc(has, func(h labels.Requirement) bool {
			values := w.Values()
			switch {
			case h.Key() != w.Key():
				return false
			case h.Operator() == selection.In && w.Operator() == selection.In:
				return values.IsSuperset(h.Values())
			case w.Operator() == selection.Exists:
				return h.Operator() == selection.In || h.Operator() == selection.Exists
			}
			return h.String() == w.String()
		}) {
			return false
		}
	}
	return true
}
