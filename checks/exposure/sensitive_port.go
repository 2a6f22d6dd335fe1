// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// sensitivePort flags Services that lead to databases, control planes, debuggers
// and the like (EXP-015).
func sensitivePort() checks.Check {
	return checks.Check{
		ID: "EXP-015", Name: "sensitive-port",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    append(routeKinds(), inventory.ServiceKind),
		Doc: checks.Doc{
			Title: "Ports of databases, control planes and debuggers stay inside",
			Why: "What listens on these ports was made for a trusted network: it asks for no password by default, or for one that can be tried without limit, and gives all it has to whoever connects. " +
				"A port counts by its number or its target's number, a target name being resolved in the pods that the Service selects, and by the protocol that its name or appProtocol states. " +
				"Numbers that web servers use as well, such as 3000, 8080 or 9000, count only when a name next to the port (of the port, the Service, a container or an image) says what listens there. " +
				"Reachable from outside past the gateway the port is a fault of high severity; over an internal load balancer, or inside the cluster when no NetworkPolicy restricts who may connect to its pods, of medium severity. " +
				"A Service without selector is judged only when it is exposed, and something else may of course listen on any port.",
			Attack: "whoever reaches the port talks to an internal service that expects no strangers",
			Fix:    "keep the Service of type ClusterIP, out of Ingresses and routes, and allow its clients by a NetworkPolicy that selects its pods",
			Exempt: "Something harmless that happens to use the number; take the number out of the table in a CheckPolicy if that is so everywhere.",
			Sources: []string{
				"https://kubernetes.io/docs/reference/networking/ports-and-protocols/",
				"https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xhtml",
				"https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio",
				"https://kubernetes.io/docs/concepts/services-networking/network-policies/",
				"https://hub.armosec.io/docs/c-0021",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if svc, isService := in.Object.(*corev1.Service); isService {
				out := sensitiveService(svc, in)
				if svc.Spec.Type == corev1.ServiceTypeExternalName {
					out = append(out, sensitiveRoute(in)...)
				}
				return out
			}
			return sensitiveRoute(in)
		},
	}
}

// sensitiveService judges every port of a Service. Ways and policies are looked
// up only for a port that is sensitive.
func sensitiveService(svc *corev1.Service, in checks.Input) []checks.Finding {
	if in.Parameters.Gateway.OwnsService(svc) {
		return nil
	}
	var out []checks.Finding
	var ways []doorway
	for i := range svc.Spec.Ports {
		p := &svc.Spec.Ports[i]
		what, field, sensitive := listensOn(svc, p, in)
		if !sensitive {
			continue
		}
		if len(out) == 0 {
			ways = doorways(Ways(svc, in), svc, in)
		}
		f := checks.Finding{Subject: portSubject(*p), Field: fmt.Sprintf("spec.ports[%d].%s", i, field)}
		if at := slices.IndexFunc(ways, func(d doorway) bool { return d.leadsTo(p) }); at >= 0 {
			w := ways[at].Way
			f.Severity, f.Certainty = w.severity(checks.High), w.certainty
			f.Message = "opens " + portText(svc, p, in) + ", where " + what + " listens, to " + whom(w) + w.doubt()
			f.Path = w.Path(inputName(in) + " port " + fmt.Sprint(p.Port))
			if w.referrer == nil {
				f.Path = w.Path(what)
			}
		} else if unguarded, certainty := unguardedPort(svc, p, in); unguarded != "" && !apiServerCalls(svc, in) {
			f.Severity, f.Certainty = checks.Medium, certainty
			f.Message = "leads to " + portText(svc, p, in) + ", where " + what + " listens, for every pod of the cluster: " + unguarded
		} else {
			continue
		}
		out = append(out, f)
	}
	return out
}

// apiServerCalls reports whether the API server itself is a client of a
// Service. No NetworkPolicy can name it, so an open policy is no fault there.
func apiServerCalls(svc *corev1.Service, in checks.Input) bool {
	for e := range in.Inventory.Referrers(svc.Namespace, svc.Name) {
		if callsBack(e) {
			return true
		}
	}
	return false
}

// sensitiveRoute judges the ports that an Ingress, a route or a relay leads to,
// unless the bundled gateway alone does.
func sensitiveRoute(in checks.Input) []checks.Finding {
	var out []checks.Finding
	for _, x := range exposedBy(in) {
		w := x.ways[0]
		if w.Gateway {
			return nil
		}
		for _, p := range x.ports {
			what, _, sensitive := listensOn(x.svc, p, in)
			if !sensitive || len(w.relays) > 0 && !doorways(x.ways[:1], x.svc, in)[0].leadsTo(p) {
				continue
			}
			subject := x.subject(portSubject(*p))
			if slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == subject }) {
				continue
			}
			out = append(out, checks.Finding{
				Severity: w.severity(checks.High), Certainty: w.certainty, Subject: subject, Field: x.ref.Field,
				Message: "opens " + portText(x.svc, p, in) + " of " + serviceName(x.svc) + ", where " + what + " listens, to " + whom(w) + w.doubt(),
				Path:    x.path(w, what),
			})
		}
	}
	return out
}

// whom says who comes in by a way.
func whom(w Way) string {
	switch {
	case w.From == "internet":
		return "the internet"
	case w.Internal:
		return "the internal network"
	case strings.HasPrefix(w.From, "external IP"):
		return "whoever reaches the " + w.From
	}
	return "whoever reaches a node"
}

// portText names a port and, where it differs, its target.
func portText(svc *corev1.Service, p *corev1.ServicePort, in checks.Input) string {
	number := fmt.Sprintf("port %d", p.Port)
	if p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "" {
		if n := resolved(svc, p, in); n != 0 && n != p.Port {
			return fmt.Sprintf("%s (target %s, %d)", number, p.TargetPort.StrVal, n)
		}
		return number
	}
	if n := p.TargetPort.IntVal; n != 0 && n != p.Port {
		return fmt.Sprintf("%s (target %d)", number, n)
	}
	return number
}

// unguardedPort says why nothing restricts who inside the cluster connects to a
// port; empty when something does, or when the Service selects nothing. Without
// a pod that is known, the selector stands for the labels: pods may have more
// of them, which another policy may select.
func unguardedPort(svc *corev1.Service, p *corev1.ServicePort, in checks.Input) (string, checks.Certainty) {
	if len(svc.Spec.Selector) == 0 {
		return "", checks.Violation
	}
	found := false
	for _, w := range Selected(svc, in) {
		found = true
		if i := ingressOf(svc.Namespace, w.Labels, []podPort{targetPort(p, w)}, in.Inventory); !i.guarded() {
			return i.fault("its pods"), certaintyOf(i)
		}
	}
	if found {
		return "", checks.Violation
	}
	i := ingressOf(svc.Namespace, svc.Spec.Selector, []podPort{targetPort(p, nil)}, in.Inventory)
	if i.guarded() {
		return "", checks.Violation
	}
	certainty := certaintyOf(i)
	if !i.isolated && hasPolicies(svc.Namespace, in.Inventory) {
		certainty = checks.Undetermined
	}
	return i.fault("its pods"), certainty
}

// certaintyOf is Undetermined when a policy that cannot be read may isolate.
func certaintyOf(i isolation) checks.Certainty {
	if i.unreadable != "" && i.open == "" {
		return checks.Undetermined
	}
	return checks.Violation
}

func hasPolicies(namespace string, inv *inventory.Inventory) bool {
	for np := range inv.NetworkPolicies(namespace) {
		if isolatesIngress(np) {
			return true
		}
	}
	for kind, in := range map[schema.GroupKind]string{ciliumPolicyKind: namespace, ciliumClusterwide: "", clusterPolicyKind: ""} {
		for range inv.Entries(kind, in) {
			return true
		}
	}
	return false
}
