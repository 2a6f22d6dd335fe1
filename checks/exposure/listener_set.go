// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// listenerSet flags ListenerSets that open listeners on a Gateway that is not
// the bundled one, or too wide ones on it (EXP-034).
func listenerSet() checks.Check {
	return checks.Check{
		ID: "EXP-034", Name: "listener-set",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{listenerSetKind, xListenerSetKind},
		Doc: checks.Doc{
			Title: "ListenerSets add narrow listeners to the bundled gateway only",
			Why: "A ListenerSet adds listeners, with ports, host names and certificates, to a Gateway that somebody else owns, if that Gateway allows it. " +
				"On another Gateway than the bundled one it is a second door. On the bundled gateway a listener without a host name takes the requests that no other listener claims, " +
				"and one that lets routes of every namespace attach makes its owner's certificate available to all of them. " +
				"The experimental XListenerSet is judged the same way. A parent Gateway that Gatehouse has not seen makes the verdict undetermined.",
			Attack: "catches requests that are meant for others, or opens a port that the gateway's policies do not cover",
			Fix:    "let spec.parentRef name the bundled gateway and give every listener a host name",
			Exempt: "A team that runs a catch-all page for the whole cluster.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/geps/gep-1713/",
			},
		},
		Run: judgeListenerSet,
	}
}

func judgeListenerSet(in checks.Input) []checks.Finding {
	ls, ok := asListenerSet(in.Object)
	if !ok {
		return []checks.Finding{{Certainty: checks.Undetermined, Message: "has not the shape of a ListenerSet"}}
	}
	p := listenerSetParent(ls)
	switch where, gw := parentIs(p, in); where {
	case bundled:
		return judgeEntries(ls)
	case inMesh:
		return nil
	case unknown:
		return []checks.Finding{{
			Certainty: checks.Undetermined, Subject: p.subject(), Field: p.field,
			Message: "adds listeners to " + p.String() + ", which is not known here, so it may be another door than the bundled gateway",
		}}
	case elsewhere:
		f := outside(p, gw, checks.Input{Object: in.Object})
		f.Message = "adds listeners to " + p.String() + ", which is not the bundled gateway"
		return []checks.Finding{f}
	}
	return nil
}

// judgeEntries judges the listeners added to the bundled gateway.
func judgeEntries(ls *gatewayv1.ListenerSet) []checks.Finding {
	var out []checks.Finding
	for i := range ls.Spec.Listeners {
		l := &ls.Spec.Listeners[i]
		if anyHost(l.Hostname, l.Protocol) {
			out = append(out, checks.Finding{
				Subject: "listener/" + string(l.Name) + "/hostname", Field: fmt.Sprintf("spec.listeners[%d].hostname", i),
				Message: "takes requests for every host name on port " + fmt.Sprint(l.Port) + " of the bundled gateway",
			})
		}
		if fromAll(l.AllowedRoutes) {
			out = append(out, checks.Finding{
				Subject: "listener/" + string(l.Name) + "/routes", Field: fmt.Sprintf("spec.listeners[%d].allowedRoutes.namespaces.from", i),
				Message: "lets routes of every namespace attach to listener " + string(l.Name),
				Fix:     "set allowedRoutes.namespaces.from to Same or to a Selector",
			})
		}
	}
	return out
}
