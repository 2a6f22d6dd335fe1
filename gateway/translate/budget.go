// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// A snapshot has config.MaxFile at most, 64 MiB, and one that has more cannot be handed
// over: one namespace is not to have that happen to the others of a Gateway.
const (
	// maxOfNamespace is 8 MiB for what a namespace adds to a Gateway: some thousand routes.
	maxOfNamespace = 8 << 20
	// maxOfAll is 40 MiB for what all of them add, which leaves 24 MiB for what the Gateway has
	// itself, for what is closed, and for namespaces of up to maxOfSmall, 256 KiB, of which one
	// is served all the same: who has many namespaces does not keep others out.
	maxOfAll   = 40 << 20
	maxOfSmall = 256 << 10
	// maxClosed is 1 MiB for what keeps closed what is beyond it.
	maxClosed = 1 << 20
	// maxCertificate is 64 KiB for a certificate with its key and its chain, each of which has
	// some 2 KiB.
	maxCertificate = 64 << 10
)

// budget is what namespaces have added to a snapshot, in bytes of it.
type budget struct {
	served, closed map[string]int
	all            int // of served
}

func newBudget() budget { return budget{served: map[string]int{}, closed: map[string]int{}} }

// serve counts what a namespace adds to what is served, if there is room for it.
func (u *budget) serve(namespace string, n int) bool {
	if u.all+n > maxOfAll && u.served[namespace]+n > maxOfSmall || !take(u.served, namespace, n, maxOfNamespace) {
		return false
	}
	u.all += n
	return true
}

// take counts what a namespace adds, if there is room for it.
func take(of map[string]int, namespace string, n, most int) bool {
	if of[namespace]+n > most {
		return false
	}
	of[namespace] += n
	return true
}

// beyond says of something of a namespace that there is no room for it.
func beyond(namespace string) string {
	return fmt.Sprintf("it is not served: what namespace %s adds to this Gateway has more than %d MiB, or what all namespaces add more than %d MiB, and what is youngest is left out", namespace, maxOfNamespace>>20, maxOfAll>>20)
}

// inBase64 is how many bytes of a snapshot others are in it, as base64.
func inBase64(n int) int { return n * 4 / 3 }

// bytesOf is how many bytes of a snapshot a part of it is. What cannot be written there is
// refused with the whole (Snapshot.Encode), and counts as too many.
func bytesOf(part *config.Snapshot) int {
	text, err := part.Encode()
	if err != nil {
		return maxOfNamespace + 1
	}
	return len(text)
}

// leads is how many bytes backends add that are not there yet.
func (b *snapshotBuilder) leads(to []*config.Backend) int {
	n := 0
	for _, backend := range to {
		if b.backends[backend.Name] {
			continue
		}
		n += 128 + len(backend.Name)
		for _, e := range backend.Endpoints {
			if n += 24; !e.Addr().Is4() {
				n += 26 // "[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
			}
		}
	}
	return n
}

// weight is how many bytes guards add, which is found out once.
func (g *guards) weight() int {
	if g.size > 0 {
		return g.size
	}
	var s config.Snapshot
	if g.access != nil {
		s.AccessPolicies = []config.AccessPolicy{*g.access}
	}
	if g.beside != nil {
		s.AccessPolicies = append(s.AccessPolicies, *g.beside)
	}
	if g.traffic != nil {
		s.TrafficPolicies = []config.TrafficPolicy{*g.traffic}
	}
	if g.keys != nil {
		s.KeySets = []config.KeySet{*g.keys}
	}
	g.size = bytesOf(&s)
	return g.size
}

// fits returns a rule as there is room for it: one beyond that is answered 5xx, whatever
// else than its path is asked for. Nil: there is no room for that either (shutter).
func (b *snapshotBuilder) fits(r *route, own *rule, hosts []string) *rule {
	n := own.size + frame(hosts) + b.leads(own.backends)
	if g := own.guards; g != nil && !b.guards[g] {
		n += g.weight()
	}
	if b.budget.serve(r.name.Namespace, n) {
		return own
	}
	b.tell(r)
	out := &rule{Target: config.Target{Backends: r.refused()}}
	n = frame(hosts)
	for _, m := range own.matches {
		out.matches = append(out.matches, config.Match{Path: m.Path})
		n += 128 + len(m.Path.Exact) + len(m.Path.Prefix) + len(m.Path.Regex)
	}
	if !take(b.budget.closed, r.name.Namespace, n, maxClosed) {
		return nil
	}
	return out
}

// tell tells a route that there is no room for it.
func (b *snapshotBuilder) tell(r *route) {
	message := beyond(r.name.Namespace)
	if r.of.isDoor() {
		e := Event{Kind: r.of.kind, Name: r.name, Reason: string(gatewayv1.RouteReasonUnsupportedValue), Message: message}
		if !slices.Contains(b.gateway.events, e) {
			b.gateway.events = append(b.gateway.events, e)
		}
		return
	}
	for _, p := range r.parents {
		if p.gateway == b.gateway {
			p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.RouteReasonUnsupportedValue), message)
		}
	}
}

// affords tells whether there is room for the certificates of a listener of a ListenerSet,
// whose namespace brings them.
func (b *snapshotBuilder) affords(l *listener) bool {
	if l.set == nil {
		return true
	}
	n := 1 << 10
	for _, s := range l.secrets {
		n += inBase64(weight(s))
	}
	namespace := l.set.object.Namespace
	if b.budget.serve(namespace, n) {
		return true
	}
	l.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonUnsupportedValue), beyond(namespace))
	return false
}

// presents tells whether there is room for the hosts of a certificate of an Ingress, and for
// the certificate, if it is not there yet.
func (b *snapshotBuilder) presents(p *presented, there bool) bool {
	n := 0
	for _, h := range p.hosts {
		n += len(h) + 4
	}
	if !there {
		n += 1<<10 + inBase64(weight(p.secret))
	}
	namespace := p.ingress.Namespace
	if b.budget.serve(namespace, n) {
		return true
	}
	b.gateway.events = append(b.gateway.events, Event{
		Kind: kindIs(p.ingress).kind, Name: nameOf(p.ingress), Reason: string(gatewayv1.ListenerReasonInvalidCertificateRef),
		Message: fmt.Sprintf("Secret %s: %s", nameOf(p.secret), beyond(namespace)),
	})
	return false
}

// weight is how many bytes a certificate has, with its key.
func weight(s *corev1.Secret) int {
	return len(s.Data[corev1.TLSCertKey]) + len(s.Data[corev1.TLSPrivateKeyKey])
}

// trusts tells whether there is room for the authorities of a backend, which the namespace
// of its Service brings.
func (b *snapshotBuilder) trusts(backend *config.Backend) bool {
	n := 0
	for _, ca := range backend.TLS.CAs {
		n += inBase64(len(ca))
	}
	parts := strings.SplitN(backend.Name, "/", 3)
	if b.budget.serve(parts[0], n) {
		return true
	}
	if len(parts) == 3 {
		b.gateway.events = append(b.gateway.events, Event{Kind: serviceKind.kind, Name: Name{Namespace: parts[0], Name: parts[1]}, Reason: string(gatewayv1.PolicyReasonInvalid), Message: "authorities of its BackendTLSPolicy: " + beyond(parts[0])})
	}
	return false
}

// afford breaks policies for which there is no room, the youngest first.
func (b *snapshotBuilder) afford() {
	list := make([]*policy, 0, len(b.used))
	for p := range b.used {
		list = append(list, p)
	}
	slices.SortFunc(list, func(p, q *policy) int {
		return cmp.Or(p.created.Compare(q.created), cmp.Compare(p.label(), q.label()))
	})
	for _, p := range list {
		if at := p.gateways[b.gateway]; p.broken+at.broken == "" && !b.budget.serve(p.name.Namespace, p.size()+b.leads(p.backends)) {
			at.broken = beyond(p.name.Namespace)
		}
	}
}

// size is how many bytes a policy adds, of which Secrets and ConfigMaps may be many.
func (p *policy) size() int {
	s := config.Snapshot{KeySets: p.keySets}
	if p.access != nil {
		s.AccessPolicies = []config.AccessPolicy{*p.access}
	}
	if p.traffic != nil {
		s.TrafficPolicies = []config.TrafficPolicy{*p.traffic}
	}
	return bytesOf(&s)
}
