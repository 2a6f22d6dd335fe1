// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// served is what one Gateway serves.
type served struct {
	*World
	name     translate.Name
	object   *gatewayv1.Gateway // nil: of an IngressClass without parameters
	snapshot *config.Snapshot
	backends map[string]*config.Backend
	access   map[string]*config.AccessPolicy
	traffic  map[string]*config.TrafficPolicy
}

// snapshots are those of the Gateways, in order.
func (w *World) snapshots() []*served {
	out := make([]*served, 0, len(w.result.Snapshots))
	for _, name := range slices.SortedFunc(maps.Keys(w.result.Snapshots), func(a, b translate.Name) int { return cmp.Compare(a.String(), b.String()) }) {
		s := &served{
			World: w, name: name, snapshot: w.result.Snapshots[name],
			backends: map[string]*config.Backend{}, access: map[string]*config.AccessPolicy{}, traffic: map[string]*config.TrafficPolicy{},
		}
		for i := range s.snapshot.Backends {
			s.backends[s.snapshot.Backends[i].Name] = &s.snapshot.Backends[i]
		}
		for i := range s.snapshot.AccessPolicies {
			s.access[s.snapshot.AccessPolicies[i].Name] = &s.snapshot.AccessPolicies[i]
		}
		for i := range s.snapshot.TrafficPolicies {
			s.traffic[s.snapshot.TrafficPolicies[i].Name] = &s.snapshot.TrafficPolicies[i]
		}
		for _, g := range w.objects.Gateways {
			if g.Namespace == name.Namespace && g.Name == name.Name {
				s.object = g
			}
		}
		out = append(out, s)
	}
	return out
}

// endpoints are those of a Gateway: one for each listener, host and rule. What served
// them is noted.
func (s *served) endpoints(served map[inventory.Key]bool) []Endpoint {
	var out []Endpoint
	for i := range s.snapshot.Routes {
		r := &s.snapshot.Routes[i]
		for _, l := range s.listenersOf(r.Listeners) {
			for _, host := range orEvery(r.Hosts) {
				out = append(out, s.ofRoute(l, r, host, served))
			}
		}
	}
	for i := range s.snapshot.Streams {
		t := &s.snapshot.Streams[i]
		if _, made := translate.OriginOf(t.Name); !made {
			continue // nobody is served by it
		}
		for _, l := range s.listenersOf(t.Listeners) {
			for _, host := range t.Names() {
				out = append(out, s.ofStream(l, t, host, served))
			}
		}
	}
	return out
}

func orEvery(hosts []string) []string {
	if len(hosts) == 0 {
		return []string{"*"}
	}
	return hosts
}

// listenersOf are those of names; without names, all that read requests.
func (s *served) listenersOf(names []string) []*config.Listener {
	var out []*config.Listener
	for i := range s.snapshot.Listeners {
		l := &s.snapshot.Listeners[i]
		if slices.Contains(names, l.Name) || len(names) == 0 && !l.Protocol.Stream() && l.Redirect == 0 {
			out = append(out, l)
		}
	}
	return out
}

// through says which Gateway it is.
func (s *served) through() Through {
	out := Through{Gateway: true, From: "internet", Kind: "Gateway", Namespace: s.name.Namespace, Name: s.name.Name}
	if s.object == nil {
		out.Kind, out.Class = "IngressClass", s.name.Name
	} else {
		out.Class = string(s.object.Spec.GatewayClassName)
	}
	out.By = strings.TrimSpace(out.Kind + " " + nameText(s.name))
	return out
}

func nameText(n translate.Name) string {
	if n.Namespace == "" {
		return n.Name
	}
	return n.String()
}

func (s *served) key() inventory.Key {
	if s.object == nil {
		return inventory.Key{Kind: inventory.IngressClassKind, Name: s.name.Name}
	}
	return inventory.Key{Kind: inventory.GatewayKind, Namespace: s.name.Namespace, Name: s.name.Name}
}

// listener says where connections for a host come in.
func (s *served) listener(l *config.Listener, host string) Listener {
	out := Listener{Name: l.Name, Addresses: []string{}, Port: int(l.Address.Port()), Protocol: string(l.Protocol)}
	if s.object == nil {
		return out
	}
	if own, set := s.result.Serving(s.object, s.objects.ListenerSets, gatewayv1.PortNumber(l.Address.Port()), host, l.Protocol == config.UDP); own != nil {
		out.Name, out.Protocol = string(own.Name), string(own.Protocol)
		if set != nil {
			out.Name = set.Namespace + "/" + set.Name + "/" + out.Name
		}
	}
	for _, a := range s.object.Status.Addresses {
		out.Addresses = append(out.Addresses, a.Value)
	}
	for _, a := range s.object.Spec.Addresses {
		if len(s.object.Status.Addresses) == 0 && a.Value != "" {
			out.Addresses = append(out.Addresses, a.Value)
		}
	}
	slices.Sort(out.Addresses)
	return out
}

func (s *served) ofRoute(l *config.Listener, r *config.Route, host string, served map[inventory.Key]bool) Endpoint {
	out := Endpoint{
		Through: s.through(), Listener: s.listener(l, host), Host: host, Matches: matchesOf(r.Matches), Route: originOf(r.Name, served),
		TLS: s.tls(l, l.TLS, host), Answer: AnswerRefused, Backends: []Backend{},
	}
	access := s.accessHeld(l, host, r)
	out.Authentication, out.Authorization = s.authentication(access, &out.TLS)
	out.Limits = s.limits(s.trafficHeld(l, host, r.Traffic), l, r)
	keys := []inventory.Key{s.key(), out.Route.key()}
	switch {
	case r.Redirect != nil:
		out.Answer, out.Detail = AnswerRedirect, redirectText(r.Redirect)
	default:
		total := 0
		for i := range r.Backends {
			total += weightOf(r.Backends[i].Weight)
		}
		for i := range r.Backends {
			w := &r.Backends[i]
			share := shareText(weightOf(w.Weight), total)
			if w.Name == "" {
				out.Detail = strings.TrimSpace(out.Detail + " " + fmt.Sprintf("%s answered %d", share, w.Status))
				continue
			}
			backend, behind := s.backend(w.Name, share)
			keys = append(keys, behind...)
			if out.Backends = append(out.Backends, backend); weightOf(w.Weight) > 0 {
				out.Answer = AnswerBackends
			}
		}
	}
	out.Findings = s.findings(keys...)
	return out
}

func (s *served) ofStream(l *config.Listener, t *config.Stream, host string, served map[inventory.Key]bool) Endpoint {
	out := Endpoint{
		Through: s.through(), Listener: s.listener(l, host), Host: host, Matches: []string{}, Route: originOf(t.Name, served),
		Answer: AnswerRefused, Backends: []Backend{}, Limits: s.limits(nil, l, nil), Authorization: []string{},
	}
	switch {
	case t.TLS != nil:
		out.TLS = s.tls(l, t.TLS, host)
	case l.Protocol.Named():
		out.TLS = TLS{State: TLSPassed, Certificates: []Certificate{}}
	default:
		out.TLS, out.Host = TLS{State: TLSNone, Certificates: []Certificate{}}, ""
	}
	out.Authentication, _ = s.authentication(nil, &out.TLS)
	keys, total := []inventory.Key{s.key(), out.Route.key()}, 0
	for i := range t.Backends {
		total += weightOf(t.Backends[i].Weight)
	}
	for i := range t.Backends {
		share := shareText(weightOf(t.Backends[i].Weight), total)
		if _, _, ok := translate.ServiceOf(t.Backends[i].Name); !ok {
			out.Detail = share + " closed: there is no backend"
			continue
		}
		backend, behind := s.backend(t.Backends[i].Name, share)
		out.Backends, keys, out.Answer = append(out.Backends, backend), append(keys, behind...), AnswerBackends
	}
	out.Findings = s.findings(keys...)
	return out
}
