// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// vocabulary is everything by which policies and a model tell ends apart.
type vocabulary struct {
	namespaces             map[string]bool
	namespaceKeys, podKeys map[string]bool
	values                 map[string]bool // of labels, in selectors
	prefixes               map[netip.Prefix]bool
	domains                map[string]bool
	names                  map[generator.Port]bool // named ports
	places                 bool                    // whether a policy asks for the addresses of pods
}

// words collects the vocabulary of policies and of a model.
func words(policies []Policy, m *generator.Model, o Options) *vocabulary {
	v := &vocabulary{
		namespaces: map[string]bool{}, namespaceKeys: map[string]bool{}, podKeys: map[string]bool{}, values: map[string]bool{},
		prefixes: map[netip.Prefix]bool{}, domains: map[string]bool{}, names: map[generator.Port]bool{},
	}
	for i := range policies {
		v.pods(policies[i].Subject)
		for _, rules := range [][]Rule{policies[i].Ingress, policies[i].Egress} {
			for j := range rules {
				v.rule(&rules[j], o)
			}
		}
	}
	v.model(m)
	return v
}

func (v *vocabulary) rule(r *Rule, o Options) {
	for _, p := range r.Peers {
		switch {
		case p.Pods.isSet():
			v.pods(p.Pods)
		case p.Domain == EveryDomain:
		case p.Domain != "":
			v.domains[p.Domain] = true
		default:
			v.block(p.Block)
			v.places = v.places || max(p.Scope, o.Blocks) == BlocksMatchPods
		}
	}
	for _, p := range r.Ports {
		v.port(p)
	}
}

func (v *vocabulary) pods(p Pods) {
	v.selector(p.Namespaces, v.namespaceKeys)
	v.selector(p.Pods, v.podKeys)
	for _, name := range namesOf(p.Namespaces) {
		v.namespaces[name] = true
	}
}

func (v *vocabulary) selector(s labels.Selector, keys map[string]bool) {
	requirements, _ := s.Requirements()
	for i := range requirements {
		keys[requirements[i].Key()] = true
		for _, value := range requirements[i].ValuesUnsorted() {
			v.values[value] = true
		}
	}
}

// namesOf returns the namespaces that a selector for namespaces asks for by name.
func namesOf(s labels.Selector) []string {
	requirements, _ := s.Requirements()
	for i := range requirements {
		if r := &requirements[i]; r.Key() == corev1.LabelMetadataName && wantsValue(r) {
			return r.ValuesUnsorted()
		}
	}
	return nil
}

// wantsValue reports whether a requirement holds for some values of its key only.
func wantsValue(r *labels.Requirement) bool {
	op := r.Operator()
	return op == selection.In || op == selection.Equals || op == selection.DoubleEquals
}

func (v *vocabulary) block(b generator.Block) {
	if !b.Prefix.IsValid() {
		return // External() of a family of which nothing is left
	}
	v.prefixes[b.Prefix.Masked()] = true
	for _, p := range b.Except {
		v.prefixes[p.Masked()] = true
	}
}

func (v *vocabulary) port(p generator.Port) {
	if p.Name != "" {
		v.names[p] = true
	}
}

func (v *vocabulary) model(m *generator.Model) {
	for name := range m.Guards {
		v.namespaces[name] = true
	}
	for _, name := range m.Universe.Namespaces() {
		v.namespaces[name] = true
	}
	seen := map[generator.Peer]bool{}
	for i := range m.Edges {
		e := &m.Edges[i]
		v.port(e.Port)
		for _, p := range [...]generator.Peer{e.From, e.To} {
			if seen[p] {
				continue
			}
			seen[p] = true
			if p.Kind == generator.FQDNPeer {
				v.domains[p.Name] = true
			}
			if p.Namespace != "" {
				v.namespaces[p.Namespace] = true
			}
			for _, b := range m.Blocks(p) {
				v.block(b)
			}
		}
	}
	for _, group := range groupsOf(&m.Environment) {
		for _, set := range group.Pods {
			v.namespaces[set.Namespace] = true
		}
		for _, p := range group.Addresses {
			v.prefixes[p.Masked()] = true
		}
	}
	for _, p := range m.Environment.PodRanges {
		v.prefixes[p.Masked()] = true
	}
}

func groupsOf(e *generator.Environment) [5]generator.Group {
	return [...]generator.Group{e.DNS, e.APIServer, e.Nodes, e.Gateway, e.Monitoring}
}

// unheard returns a label value, or a name, that nobody uses.
func (v *vocabulary) unheard() string {
	word := "unheard"
	for v.values[word] || v.namespaces[word] {
		word += "-of"
	}
	return word
}

// marked returns labels with every key and a value that nobody uses.
func (v *vocabulary) marked(keys map[string]bool) labels.Set {
	out := make(labels.Set, len(keys))
	for key := range keys {
		out[key] = v.unheard()
	}
	return out
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

func sortedPorts(set map[generator.Port]bool) []generator.Port {
	return slices.SortedFunc(maps.Keys(set), generator.Port.Compare)
}
