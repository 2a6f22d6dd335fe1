// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// guardedRule is what of a rule decides whether a policy holds for it.
type guardedRule struct {
	name     string
	field    string
	services []inventory.ServiceRef // that it names, also for copies and authorisation
}

// guarded reports whether a policy is for the route, the rule, or all Services that the
// rule names: whatever there is of them, one that is sent to has a policy then.
func (r *guardedRule) guarded(g *guards, route inventory.Key) bool {
	return requestRoute(route.Kind) && g.has(route, r.name) ||
		!slices.ContainsFunc(r.services, func(s inventory.ServiceRef) bool { return !g.has(serviceOf(s), "") })
}

// guardedBySome reports whether one of the Services that a rule of requests sends to has a
// policy, which is enough: it is asked of all requests of the rule. Where it may be, the
// answer is no, and undetermined.
func (r *guardedRule) guardedBySome(g *guards, in checks.Input) (bool, checks.Certainty) {
	certainty := checks.Violation
	for _, s := range r.services {
		if !g.has(serviceOf(s), "") {
			continue
		}
		switch reached(s, in) {
		case sentTo:
			return true, checks.Violation
		case perhapsSentTo:
			certainty = checks.Undetermined
		case notSentTo:
		}
	}
	return false, certainty
}

func serviceOf(s inventory.ServiceRef) inventory.Key {
	return inventory.Key{Kind: inventory.ServiceKind, Namespace: s.Namespace, Name: s.Name}
}

// delivery is whether the bundled gateway sends to the Service of a reference; only then are
// the policies of the Service asked.
type delivery uint8

const (
	notSentTo delivery = iota
	perhapsSentTo
	sentTo
)

// reached reports whether the bundled gateway sends to a Service that a route of requests
// names. What the gateway refuses is answered with 500 in its share of the requests, and
// without a share nobody notices.
// docs/gateway-api.md
func reached(ref inventory.ServiceRef, in checks.Input) delivery {
	if filter := strings.Index(ref.Field, ".filters["); filter >= 0 &&
		(strings.Contains(ref.Field[:filter], ".backendRefs[") || !strings.HasSuffix(ref.Field, ".requestMirror.backendRef")) {
		return notSentTo
	}
	svc := in.Inventory.Service(ref.Namespace, ref.Name)
	unknown := svc == nil && in.Inventory.Namespace(ref.Namespace) == nil
	switch {
	case unknown:
		return perhapsSentTo
	case svc == nil, svc.Spec.Type == corev1.ServiceTypeExternalName,
		ref.Namespace != in.Object.GetNamespace() && in.Inventory.GrantFor(in.Object, ref) == nil:
		return notSentTo
	}
	i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool {
		return strconv.Itoa(int(p.Port)) == ref.Port && p.Protocol != corev1.ProtocolUDP
	})
	if i < 0 {
		return notSentTo
	}
	of := svc.Spec.Ports[i].AppProtocol
	if of == nil {
		return sentTo
	}
	protocol := *of
	if !strings.Contains(protocol, "/") {
		protocol = strings.ToLower(protocol)
	}
	switch protocol {
	case "http", "kubernetes.io/h2c", "kubernetes.io/ws":
		return sentTo
	case "https", "kubernetes.io/wss": // by a BackendTLSPolicy, which the inventory does not hold
		return perhapsSentTo
	}
	return notSentTo
}
