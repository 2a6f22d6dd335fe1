// SPDX-License-Identifier: Apache-2.0

// Package mutation says what the mutating webhook adds to an object (MUT-001 to
// MUT-003) and writes it as a JSON patch. It is pure: the validating phase asks
// the same Plan whether everything is there.
package mutation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// What users say to MUT-001 and MUT-003.
const (
	ExposeAnnotation = "gatehouse.sh/expose"          // host/path at which the gateway publishes a Service
	TLSAnnotation    = "gatehouse.sh/tls"             // "redirect": plain HTTP is answered with a redirect
	KeepNodePorts    = "gatehouse.sh/keep-node-ports" // any value keeps MUT-003 from a Service
)

// Op adds one value. There is no other kind of operation: a mutation adds what
// is absent and leaves alone what is there.
type Op struct {
	Rule  string   // "MUT-001"
	Path  []string // steps from the object's root
	Value any
}

// String names the place and the value for a warning.
func (o Op) String() string {
	var b strings.Builder
	b.WriteString(o.Path[0])
	for _, step := range o.Path[1:] {
		if strings.ContainsAny(step, "./") {
			b.WriteString("[" + step + "]")
		} else {
			b.WriteString("." + step)
		}
	}
	if value, err := json.Marshal(o.Value); err == nil {
		b.WriteString(" = " + string(value))
	}
	return b.String()
}

// Plan lists what is to be added to an object, nothing when all of it is there:
// Plan of the patched object is empty. Objects of the bundled gateway itself
// are left alone.
func Plan(o inventory.Object, inv *inventory.Inventory, p *policy.Policy, creating bool) []Op {
	if p.Parameters.Gateway.OwnsService(o) {
		return nil
	}
	switch w := o.(type) {
	case *corev1.Service:
		return slices.Concat(mark(w, p), redirect(w, p), closeNodePorts(w, p, creating))
	case *networkingv1.Ingress:
		return slices.Concat(mark(w, p), defaultIngressClass(w, inv, p))
	case *gatewayv1.HTTPRoute:
		return slices.Concat(mark(w, p), parent(len(w.Spec.ParentRefs), p))
	case *gatewayv1.GRPCRoute:
		return slices.Concat(mark(w, p), parent(len(w.Spec.ParentRefs), p))
	}
	return automount(o, inv, p, creating)
}

// mark adds the annotations and labels of the policy.
func mark(o inventory.Object, p *policy.Policy) []Op {
	out := absent("labels", p.Mutation.Labels, o.GetLabels())
	return append(out, absent("annotations", p.Mutation.Annotations, o.GetAnnotations())...)
}

// absent lists the wanted pairs whose key is not there, ordered by key.
func absent(field string, want, have map[string]string) []Op {
	var out []Op
	for k, v := range want {
		if _, set := have[k]; !set {
			out = append(out, Op{"MUT-001", []string{"metadata", field, k}, v})
		}
	}
	slices.SortFunc(out, func(a, b Op) int { return cmp.Compare(a.Path[2], b.Path[2]) })
	return out
}

// redirect gives a published Service the redirect to HTTPS unless it says
// otherwise.
func redirect(svc *corev1.Service, p *policy.Policy) []Op {
	_, published := svc.Annotations[ExposeAnnotation]
	_, set := svc.Annotations[TLSAnnotation]
	if len(p.Mutation.Annotations) == 0 || !published || set {
		return nil
	}
	return []Op{{"MUT-001", []string{"metadata", "annotations", TLSAnnotation}, "redirect"}}
}

// parent attaches a route that names no parent to the policy's gateway.
func parent(parents int, p *policy.Policy) []Op {
	gw := p.Mutation.ParentGateway
	if parents > 0 || gw.Name == "" {
		return nil
	}
	return []Op{{"MUT-001", []string{"spec", "parentRefs"}, []map[string]string{
		{"group": inventory.GatewayGroup, "kind": "Gateway", "namespace": gw.Namespace, "name": gw.Name},
	}}}
}

// defaultIngressClass gives an Ingress without any class the gateway's, where
// routes are attached likewise, unless the cluster has a default class of its
// own: that one is the platform's choice.
func defaultIngressClass(ing *networkingv1.Ingress, inv *inventory.Inventory, p *policy.Policy) []Op {
	classes := p.Parameters.Gateway.IngressClasses
	if p.Mutation.ParentGateway.Name == "" || len(classes) == 0 || exposure.HasIngressClass(ing, inv) {
		return nil
	}
	return []Op{{"MUT-001", []string{"spec", "ingressClassName"}, classes[0]}}
}

// automount switches off the token of pods that a Service exposes, when the
// policy asks for it and nobody said anything (MUT-002). Pods are immutable in
// this, so only creation counts.
func automount(o inventory.Object, inv *inventory.Inventory, p *policy.Policy, creating bool) []Op {
	if !p.Mutation.DisableAutomount || !creating {
		return nil
	}
	t, ok := inventory.TemplateOf(o)
	if !ok || t.Spec.AutomountServiceAccountToken != nil {
		return nil
	}
	account := (&inventory.Workload{Spec: t.Spec}).ServiceAccount()
	if sa, known := inventory.Get[*corev1.ServiceAccount](inv, inventory.ServiceAccountKind, o.GetNamespace(), account); known && sa.AutomountServiceAccountToken != nil {
		return nil
	}
	in := checks.Input{Object: o, Inventory: inv, Parameters: p.Parameters}
	for svc := range inv.Selecting(o.GetNamespace(), t.Meta.Labels) {
		if len(exposure.Ways(svc, in)) > 0 {
			return []Op{{"MUT-002", append(strings.Split(t.SpecField(), "."), "automountServiceAccountToken"), false}}
		}
	}
	return nil
}

// closeNodePorts asks a load balancer not to open node ports as well, when the
// policy says that the provider needs none (MUT-003). The API server fills in
// true before it calls us, so that value cannot be told from a user's; the
// annotation can.
func closeNodePorts(svc *corev1.Service, p *policy.Policy, creating bool) []Op {
	if !p.Mutation.DisableNodePorts || !creating || svc.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return nil
	}
	if _, keep := svc.Annotations[KeepNodePorts]; keep {
		return nil
	}
	if a := svc.Spec.AllocateLoadBalancerNodePorts; a != nil && !*a {
		return nil
	}
	return []Op{{"MUT-003", []string{"spec", "allocateLoadBalancerNodePorts"}, false}}
}

// Patch writes a plan as a JSON patch (RFC 6902) for the object. Maps that are
// absent or null are made first.
func Patch(o inventory.Object, plan []Op) ([]byte, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	var ops []operation
	made := map[string]bool{"/metadata": true, "/spec": true}
	for _, p := range plan {
		if len(p.Path) < 2 {
			return nil, fmt.Errorf("patch %s: the path %q names no field", p.Rule, p.Path)
		}
		parent := pointer(p.Path[:len(p.Path)-1])
		if isMap(p.Path) && !made[parent] && !hasMap(o, p.Path[1]) {
			ops = append(ops, operation{"add", parent, map[string]string{}})
		}
		made[parent] = true
		ops = append(ops, operation{"add", pointer(p.Path), p.Value})
	}
	return json.Marshal(ops)
}

// isMap reports whether the op adds an entry to the labels or the annotations,
// the only parents that may be missing.
func isMap(path []string) bool {
	return path[0] == "metadata" && (path[1] == "labels" || path[1] == "annotations")
}

func hasMap(o inventory.Object, name string) bool {
	if name == "labels" {
		return len(o.GetLabels()) > 0
	}
	return len(o.GetAnnotations()) > 0
}

// pointer writes a JSON pointer (RFC 6901): ~ and / are escaped in each step.
func pointer(path []string) string {
	var b strings.Builder
	for _, step := range path {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1"))
	}
	return b.String()
}
