// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// alternatives is how many changes are proposed: the one to the object under
// judgement, and the next smallest.
const alternatives = 2

// fix names the smallest changes each of which breaks the chain by itself, the
// one to the object under judgement first. Where several doors lead in, closing one
// does not, and comes last.
func (r report) fix(h *hazard) string {
	var list []string
	add := func(text string) {
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	switch r.side() {
	case opens:
		if h.more == 0 {
			add(r.closeDoor(h))
		}
	case gives:
		switch r.in.Object.(type) {
		case *corev1.ServiceAccount:
		case *inventory.Secret:
			add("keep no token of " + h.harm.account.String() + " in " + h.secret().String())
		default:
			add(r.revoke(h))
		}
	case itself:
	}
	switch h.harm.term {
	case byAccount:
		add(r.noToken(h))
		add(r.revoke(h))
	case unmounted:
		add(r.revoke(h))
	case byIdentity:
		add("run " + h.root.String() + " as a ServiceAccount without a cloud identity")
	case byEscape:
		add("let " + h.root.String() + " run without this: " + h.harm.parts[0].path[0])
	}
	add(r.closeDoor(h))
	return strings.Join(list[:min(alternatives, len(list))], ", or ")
}

// closeDoor says how to take the door away, and how many more there are.
func (r report) closeDoor(h *hazard) string {
	switch text := r.closeThis(h); h.more {
	case 0:
		return text
	case 1:
		return text + " and close the other way in"
	default:
		return text + " and close the " + strconv.Itoa(h.more) + " other ways in"
	}
}

// closeThis is closeDoor for the door that is told. Past the gateway it is enough to
// go through it, unless that is too much there as well.
func (r report) closeThis(h *hazard) string {
	through := h.reach == outside && h.severity() < threshold(r.in)
	e := h.door.Referrer()
	switch {
	case h.door.svc == nil:
		return "take no address or port of the node in " + h.root.String()
	case e != nil && through:
		return "attach " + e.Key.String() + " to the bundled gateway alone"
	case e != nil && len(h.door.Relays()) > 0:
		return "do not route to " + h.door.Relays()[0].Key.String() + " in " + e.Key.String()
	case e != nil:
		return "do not route to " + serviceName(h.door.svc) + " in " + e.Key.String()
	case h.door.Gateway:
		return "remove " + exposure.ExposeAnnotation + " from " + serviceName(h.door.svc)
	case len(h.door.svc.Spec.ExternalIPs) > 0 && h.door.svc.Spec.Type == corev1.ServiceTypeClusterIP:
		return "remove spec.externalIPs from " + serviceName(h.door.svc)
	case through:
		return "set spec.type of " + serviceName(h.door.svc) + " to ClusterIP and route to it through the gateway"
	}
	return "set spec.type of " + serviceName(h.door.svc) + " to ClusterIP"
}

// noToken says how to keep the token out of the pods.
func (r report) noToken(h *hazard) string {
	if h.harm.secret != "" {
		return "take " + h.secret().String() + ", which holds a token, out of " + h.root.String()
	}
	const set = "set automountServiceAccountToken: false in "
	auto := h.w.Spec.AutomountServiceAccountToken
	if _, isAccount := r.in.Object.(*corev1.ServiceAccount); isAccount && auto == nil {
		return set + h.harm.account.String() + " if nothing that runs as it calls the API server"
	}
	if auto != nil && !*auto {
		return "remove the volume with the ServiceAccount token from " + h.root.String()
	}
	if h.root.Kind.Kind == "ReplicaSet" && h.w.Controller != nil {
		return "delete " + h.root.String() + ", an earlier revision of " + h.w.Controller.Kind + " " + h.w.Controller.Name
	}
	return set + h.root.String() + " if it does not call the API server"
}

// secret is the one that holds the token.
func (h *hazard) secret() inventory.Key {
	return inventory.Key{Kind: inventory.SecretKind, Namespace: h.w.Key.Namespace, Name: h.harm.secret}
}

// revoke says which grant to take back: the one under judgement, or else the
// first of the chain. It says nothing when as much would be left without it.
func (r report) revoke(h *hazard) string {
	if len(h.harm.steps) == 0 {
		return ""
	}
	own := inventory.KeyOf(r.in.Object)
	at := slices.IndexFunc(h.harm.steps, func(s power.Step) bool { return s.Held.Grant.Binding == own || s.Held.Grant.Role == own })
	step := h.harm.steps[max(at, 0)]
	g := step.Held.Grant
	switch r.in.Object.(type) {
	case *rbacv1.Role, *rbacv1.ClusterRole:
		if r.in.Object.GetLabels()[bootstrapping] != "" {
			break // Kubernetes restores its own roles
		}
		if r.left(h, own) {
			return ""
		}
		if at < 0 {
			return "remove the labels by which an aggregated role collects " + own.String()
		}
		return "drop " + r.ruleField(h) + ", by which it may " + step.Held.Power.Can + ", from " + own.String()
	}
	if r.left(h, g.Binding) {
		return ""
	}
	return "remove " + subjectName(&g.Subject, g.Binding.Namespace) + " from the subjects of " + g.Binding.String()
}

// bootstrapping is the label of the roles that Kubernetes makes itself.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation
const bootstrapping = "kubernetes.io/bootstrapping"

// left reports whether the account has enough for a finding without an object.
func (r report) left(h *hazard, without inventory.Key) bool {
	limit := atLeast
	if h.reach == gateway {
		limit = threshold(r.in)
	}
	a := h.harm.account
	e := power.Effective(authz.Over(r.in.Inventory.Without(without)), authz.ServiceAccount(a.Namespace, a.Name))
	return e.Severity >= limit
}

func subjectName(s *rbacv1.Subject, namespace string) string {
	if s.Kind != rbacv1.ServiceAccountKind {
		return s.Kind + " " + s.Name
	}
	if s.Namespace != "" {
		namespace = s.Namespace
	}
	return s.Kind + " " + namespace + "/" + s.Name
}

// threshold is the least severe privilege that is refused behind the bundled
// gateway.
func threshold(in checks.Input) checks.Severity { return max(atLeast, in.Parameters.Gateway.Threshold) }
