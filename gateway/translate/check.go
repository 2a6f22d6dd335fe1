// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// check has the data plane's own rules judge the whole. Rules, backends, policies and names
// were judged alone; should one of them be at fault all the same, or a certificate, or a
// stream, what it is for is refused, and said to be. Any other fault is returned: the
// Gateway cannot be served so.
func (b *snapshotBuilder) check() (fault string) {
	faults := b.out.ValidateSince(b.before)
	if len(faults) == 0 {
		return ""
	}
	routes, certificates, streams := map[int][]config.Error{}, map[int][]config.Error{}, map[int]config.Error{}
	for _, f := range faults {
		switch list, i := seat(f.Path); {
		case b.blame(f):
		case list == "routes" && i < len(b.origins):
			routes[i] = append(routes[i], f)
		case list == "certificates" && i < len(b.out.Certificates):
			certificates[i] = append(certificates[i], f)
		case list == "streams" && i < len(b.out.Streams):
			streams[i] = f
		default:
			return f.Path + ": " + f.What
		}
	}
	b.refuse(routes)
	b.withdraw(certificates)
	b.stop(streams)
	for _, f := range b.out.ValidateSince(b.before) {
		return f.Path + ": " + f.What
	}
	return ""
}

// seat is the list of a snapshot that a path of a fault begins with, and the position in it.
func seat(path string) (list string, at int) {
	list, rest, _ := strings.Cut(path, "[")
	number, _, found := strings.Cut(rest, "]")
	at, err := strconv.Atoi(number)
	if !found || err != nil {
		return "", 0
	}
	return list, at
}

// refuse has routes answer what is asked for by them with an error, by their positions, so
// that nothing of it falls to another route.
func (b *snapshotBuilder) refuse(at map[int][]config.Error) {
	for _, i := range slices.Sorted(maps.Keys(at)) {
		var wrong []string
		for _, f := range at[i] {
			for _, p := range b.origins[i].parents {
				p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.RouteReasonUnsupportedValue), f.Path+": "+f.What)
			}
			if part := strings.TrimPrefix(f.Path, fmt.Sprintf("routes[%d].", i)); strings.HasPrefix(part, "matches") {
				wrong = append(wrong, part)
			}
		}
		r := &b.out.Routes[i]
		r.Matches, r.Target = closing(r.Matches, wrong), config.Target{Backends: b.origins[i].refused()}
	}
}

// withdraw takes certificates away that are at fault, by their positions. One of which
// only names are loses those.
func (b *snapshotBuilder) withdraw(at map[int][]config.Error) {
	gone := map[string]bool{}
	for i, faults := range at {
		c, what := &b.out.Certificates[i], make([]string, 0, len(faults))
		wrong := map[int]bool{}
		for _, f := range faults {
			what = append(what, f.What)
			if list, k := seat(strings.TrimPrefix(f.Path, fmt.Sprintf("certificates[%d].", i))); list == "hosts" {
				wrong[k] = true
			} else {
				gone[c.Name] = true
			}
		}
		b.accuse(c.Name, strings.Join(what, "; "))
		var kept []string
		for k, h := range c.Hosts {
			if !wrong[k] {
				kept = append(kept, h)
			}
		}
		if c.Hosts = kept; len(kept) == 0 {
			gone[c.Name] = true // without hosts it would be for all of its names
		}
	}
	isGone := func(name string) bool { return gone[name] }
	b.out.Certificates = slices.DeleteFunc(b.out.Certificates, func(c config.Certificate) bool { return gone[c.Name] })
	for i := range b.out.Listeners {
		if t := b.out.Listeners[i].TLS; t != nil {
			t.Certificates = slices.DeleteFunc(t.Certificates, isGone)
		}
	}
	for i := range b.out.Streams {
		if t := b.out.Streams[i].TLS; t != nil {
			t.Certificates = slices.DeleteFunc(t.Certificates, isGone)
		}
	}
	for i := range b.out.Backends {
		if t := b.out.Backends[i].TLS; t != nil && gone[t.ClientCertificate] {
			own := *t
			own.ClientCertificate = ""
			b.out.Backends[i].TLS, b.out.Backends[i].Endpoints = &own, nil // it would be spoken to by somebody else than was meant
		}
	}
}

// accuse tells whose certificate is at fault.
func (b *snapshotBuilder) accuse(certificate, what string) {
	for _, l := range b.gateway.listeners {
		p := b.ports[place(l)]
		for _, s := range l.secrets {
			if nameOf(s).String() == certificate || p != nil && p.restricts(s) == certificate {
				l.conditions.set(resolvedRefs, metav1.ConditionFalse, string(gatewayv1.ListenerReasonInvalidCertificateRef), fmt.Sprintf("Secret %s: %s", nameOf(s), what))
			}
		}
		for _, own := range l.presented {
			if own.name() == certificate {
				b.gateway.events = append(b.gateway.events, Event{Kind: kindIs(own.ingress).kind, Name: nameOf(own.ingress), Reason: string(gatewayv1.ListenerReasonInvalidCertificateRef), Message: fmt.Sprintf("Secret %s: %s", nameOf(own.secret), what)})
			}
		}
	}
	if s := b.gateway.shown; s != nil && nameOf(s).String() == certificate {
		b.gateway.conditions.set(resolvedRefs, metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalidClientCertificateRef), fmt.Sprintf("Secret %s: %s", certificate, what))
	}
}

// stop has streams closed that are at fault, by their positions: each of their hosts, so
// that no less specific one gets what is asked of them. A host that is at fault even so is
// one that another has, or that nobody can ask for, and is left out.
func (b *snapshotBuilder) stop(at map[int]config.Error) {
	if len(at) == 0 {
		return
	}
	var kept []config.Stream
	closed := map[string]bool{}
	for i := range b.out.Streams {
		t := b.out.Streams[i]
		f, faulty := at[i]
		if !faulty {
			kept = append(kept, t)
			continue
		}
		if p := b.flows[t.Name]; p != nil {
			p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.RouteReasonUnsupportedValue), f.Path+": "+f.What)
		}
		for k, h := range t.Names() {
			own := config.Stream{Name: fmt.Sprintf("%s/%s/%d", t.Name, nowhere, k), Listeners: t.Listeners, Backends: []config.Share{{Name: nowhere}}}
			if len(t.Hosts) > 0 {
				own.Hosts = []string{h}
			}
			closed[own.Name], kept = true, append(kept, own)
		}
	}
	b.out.Streams = kept
	b.add([]*config.Backend{{Name: nowhere}})
	lost := map[int]bool{}
	for _, f := range b.out.ValidateSince(b.before) {
		if list, i := seat(f.Path); list == "streams" && closed[kept[i].Name] {
			lost[i] = true
		}
	}
	left := make([]config.Stream, 0, len(kept))
	for i := range kept {
		if !lost[i] {
			left = append(left, kept[i])
		}
	}
	b.out.Streams = left
	b.quiet() // a listener is not to stay without a stream
}
