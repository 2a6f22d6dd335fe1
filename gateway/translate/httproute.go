// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// route is a route on its way into snapshots.
type route struct {
	name    Name
	of      kind
	created time.Time
	parents []*parent
	rules   []rule // of requests
	part    string // of what several routes are made of
	last    bool   // it is for what no other one is for

	passed, ended destination // of streams: as they are, and whose TLS ended here
}

// rule is one rule of a route, as it is for every listener.
type rule struct {
	config.Target
	name string // "" is none
	// services are those that it names, for shares and copies, and may: whether or not they can
	// be had, their policies hold for it, and those of the rule that it is a part of.
	services []Name
	// answering are those of them that get a share of the requests.
	answering []Name
	matches   []config.Match
	size      int               // of matches and Target, in bytes of a snapshot
	backends  []*config.Backend // that Target and guards name
	guards    *guards           // beside what policies say; nil: none
	origin    string            // the path of an Ingress that it is made of
	faults    []string          // for which it is not served
	wrong     []string          // faults of matches, by their places: it is not known for which requests it is
	unasked   bool              // a service that is to be asked cannot be had: nobody is let in
	closed    bool              // nobody is let in, and no canary has a part of it
	kept      *verdict          // what is remembered of it; nil: nothing is
}

// requestRoute reads a route of requests, of a kind.
func (x *index) requestRoute(gateways map[Name]*gateway, of kind, r *gatewayv1.HTTPRoute) *route {
	out := x.routes.one()
	out.name, out.of, out.created = nameOf(r), of, r.CreationTimestamp.Time
	out.parents = x.attach(gateways, of, r, r.Spec.ParentRefs, r.Spec.Hostnames)
	if len(out.parents) == 0 {
		return out
	}
	out.rules = make([]rule, len(r.Spec.Rules))
	b := &x.builder
	*b = ruleBuilder{index: x, route: out}
	for i := range r.Spec.Rules {
		b.at, b.number, b.out = ruleAt(i), i, &out.rules[i]
		if !b.again(&r.Spec.Rules[i]) {
			b.mentions(&r.Spec.Rules[i])
			b.rule(&r.Spec.Rules[i])
		}
		if name := r.Spec.Rules[i].Name; name != nil {
			b.out.name = string(*name)
		}
	}
	out.settle()
	return out
}

// settle says what became of the rules of a route. When it is not known for which
// requests one of them is, none of them is served: who wrote it meant an order.
func (r *route) settle() {
	lost, said := 0, []string{}
	all := slices.ContainsFunc(r.rules, func(u rule) bool { return len(u.wrong) > 0 })
	for i := range r.rules {
		u := &r.rules[i]
		said = append(said, u.faults...)
		if len(u.faults) == 0 && !all {
			continue
		}
		lost++
		u.Target, u.backends, u.guards, u.closed = config.Target{Backends: r.refused()}, nil, nil, true
		u.matches = closing(u.matches, u.wrong)
	}
	message := strings.Join(said, "; ")
	for _, p := range r.parents {
		switch {
		case lost == 0:
		case lost == len(r.rules):
			p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.RouteReasonUnsupportedValue), message)
		default:
			p.conditions.set(string(gatewayv1.RouteConditionPartiallyInvalid), metav1.ConditionTrue, string(gatewayv1.RouteReasonUnsupportedValue), fmt.Sprintf("Dropped Rule: %d of %d are answered %d: %s", lost, len(r.rules), r.failure(), message))
		}
		p.conditions.set(resolvedRefs, metav1.ConditionTrue, string(gatewayv1.RouteReasonResolvedRefs), "")
	}
}

// ruleBuilder makes one rule.
type ruleBuilder struct {
	*index
	route  *route
	at     string // of the rule in the route
	number int    // of the rule in the route
	out    *rule
}

// unresolved says that something that a route names cannot be had.
func (r *route) unresolved(at string, p *problem) {
	if p.reason == "" {
		return
	}
	for _, parent := range r.parents {
		parent.conditions.set(resolvedRefs, metav1.ConditionFalse, string(p.reason), at+": "+p.message)
	}
}

// unsupported says that the rule asks for what is not served. All of it is refused: part
// of a rule could let in what the rest keeps out.
func (b *ruleBuilder) unsupported(at, message string) {
	b.out.faults = append(b.out.faults, b.at+at+": "+message)
}

// refused answers all requests of a rule that cannot be served.
func (r *route) refused() []config.Weighted { return []config.Weighted{{Status: r.failure()}} }

// failure is the status of requests whose backend cannot be had. 503 is UNAVAILABLE to
// clients of gRPC.
func (r *route) failure() int {
	if r.of == grpcRouteKind || r.of.isDoor() {
		return 503
	}
	return 500
}

func (b *ruleBuilder) rule(r *gatewayv1.HTTPRouteRule) {
	for i := range r.Matches {
		b.match(fmt.Sprintf(".matches[%d]", i), &r.Matches[i])
	}
	if len(r.Matches) == 0 {
		b.out.matches = []config.Match{{Path: config.PathMatch{Prefix: "/"}}}
	}
	t := &b.out.Target
	for i := range r.BackendRefs {
		b.weighted(fmt.Sprintf(".backendRefs[%d]", i), &r.BackendRefs[i])
	}
	f := filters{b: b, at: ".filters", request: &t.Request, response: &t.Response, target: t}
	f.all(r.Filters)
	total := 0
	for _, w := range t.Backends {
		total += *w.Weight
	}
	switch {
	case t.Redirect != nil && len(r.BackendRefs) > 0:
		b.unsupported("", "a redirect sends nothing to backends, and there are some")
	case t.Redirect == nil && total == 0:
		t.Backends = b.route.refused() // GEP-718: nobody is there to answer
	}
	if r.Timeouts != nil {
		t.Timeout = b.duration(".timeouts.request", r.Timeouts.Request)
		t.AttemptTimeout = b.duration(".timeouts.backendRequest", r.Timeouts.BackendRequest)
	}
	if r.Retry != nil {
		t.Retry = b.retry(r.Retry)
	}
	if r.SessionPersistence != nil {
		b.unsupported(".sessionPersistence", "it is not served")
	}
	if b.out.unasked {
		*t, b.out.backends, b.out.guards = config.Target{Backends: b.route.refused()}, nil, nil
	}
	b.keep(r, b.judge())
}

func (b *ruleBuilder) seat() seatOf { return seatOf{b.route.of, b.route.name, b.route.part, b.at} }

// judge has the data plane's own rules judge the rule alone, so that a fault of one
// tenant is nobody else's.
func (b *ruleBuilder) judge() *verdict {
	names := make([]string, 0, len(b.out.backends))
	for _, backend := range b.out.backends {
		if !slices.Contains(names, backend.Name) {
			names = append(names, backend.Name)
		}
	}
	out := b.memory.judge(b.seat(), b.out.matches, &b.out.Target, names)
	b.out.size = out.size
	for _, f := range out.faults {
		at := strings.TrimPrefix(f.Path, "routes[0]")
		b.unsupported(at, f.What)
		if strings.HasPrefix(at, ".matches") {
			b.out.wrong = append(b.out.wrong, at[1:])
		}
	}
	return out
}

// faults are what the data plane has against a part of a snapshot.
func faults(s *config.Snapshot) []config.Error { return s.ValidateParts() }

// weighted adds a share. One whose backend cannot be had is answered 500.
func (b *ruleBuilder) weighted(at string, ref *gatewayv1.HTTPBackendRef) {
	weight := 1
	if ref.Weight != nil {
		weight = int(*ref.Weight)
	}
	out := config.Weighted{Weight: &weight}
	backend, p := b.lead(&ref.BackendObjectReference)
	if p != nil {
		b.route.unresolved(b.at+at, p)
		out.Status = b.route.failure()
	} else {
		out.Name = backend.Name
		b.out.backends = append(b.out.backends, backend)
		f := filters{b: b, at: at + ".filters", request: &out.Request, response: &out.Response}
		f.all(ref.Filters)
	}
	b.out.Backends = append(b.out.Backends, out)
}

// retry reads when a request is tried again. Only what does no harm is, whatever is
// asked for. An answer that does not come in timeouts.backendRequest is a reason, too.
func (b *ruleBuilder) retry(r *gatewayv1.HTTPRouteRetry) *config.Retry {
	out := &config.Retry{Attempts: 1, On: []string{"connect-failure", "reset-before-answer"}, Backoff: b.duration(".retry.backoff", r.Backoff)}
	if r.Attempts != nil {
		out.Attempts = *r.Attempts
	}
	if b.out.AttemptTimeout > 0 {
		out.On = append(out.On, "attempt-timeout")
	}
	for _, c := range r.Codes {
		out.On = append(out.On, strconv.Itoa(int(c)))
	}
	return out
}

// duration reads a time (GEP-2257); 0 is none.
func (b *ruleBuilder) duration(at string, d *gatewayv1.Duration) config.Duration {
	if d == nil {
		return 0
	}
	out, err := time.ParseDuration(string(*d))
	if err != nil || out < 0 {
		b.unsupported(at, fmt.Sprintf("%q is no time", *d))
		return 0
	}
	return config.Duration(out)
}
