// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The annotations of the policies: the check that one is made of, and when the
// first of the exemptions that are written into it ends (RFC 3339).
const (
	CheckAnnotation = "gatehouse.sh/check"
	EndAnnotation   = "gatehouse.sh/exemptions-end"
)

// policy writes the ValidatingAdmissionPolicy of a part.
func (p *part) policy() admissionregistrationv1.ValidatingAdmissionPolicy {
	out := admissionregistrationv1.ValidatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: "ValidatingAdmissionPolicy"},
		ObjectMeta: objectMeta(p.name()),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			// In process there is nothing that could be down: an expression that fails is
			// one that could not judge.
			FailurePolicy:    new(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{MatchPolicy: new(admissionregistrationv1.Equivalent), ResourceRules: p.resourceRules()},
			MatchConditions:  p.conditions(),
		},
	}
	out.Annotations = map[string]string{CheckAnnotation: p.check.ID + " " + p.check.Name}
	if end, some := firstEnd(p.exemptions); some {
		out.Annotations[EndAnnotation] = end.UTC().Format(time.RFC3339)
	}
	if !p.key.each.Empty() {
		out.Spec.ParamKind = &admissionregistrationv1.ParamKind{APIVersion: p.key.each.GroupVersion().String(), Kind: p.key.each.Kind}
	}
	var added []string
	for i, r := range p.rules {
		suffix := ""
		if len(p.rules) > 1 {
			suffix = fmt.Sprint(i + 1)
		}
		out.Spec.Variables = append(out.Spec.Variables, p.variables(r, suffix)...)
		added = append(added, "variables.added"+suffix)
	}
	if len(added) > 1 {
		out.Spec.Variables = append(out.Spec.Variables, admissionregistrationv1.Variable{Name: "added", Expression: strings.Join(added, " + ")})
	}
	out.Spec.Validations = []admissionregistrationv1.Validation{{
		Expression:        "variables.added.size() == 0",
		Message:           p.message("") + ". More: gatehouse explain " + p.check.ID,
		MessageExpression: p.messageExpression("variables.added"),
		Reason:            new(metav1.StatusReasonForbidden),
	}}
	return out
}

// maxPairs bounds the comparison of the faults before and after an update; it
// costs about three units for each pair, of the 1,000,000 that one expression may
// cost. An update of an object with more faults is left to the webhook.
const maxPairs = "100000"

// variables are the faults that the request adds. The expression of the rule is
// there once, for the new and the old object alike.
func (p *part) variables(r rule, suffix string) []admissionregistrationv1.Variable {
	guard := ""
	if len(r.kinds) < len(p.kinds) {
		guard = guardOf(r.kinds)
	}
	if r.Step != "" {
		step := cel.Let("object", "dyn(object)", cel.Let("oldObject", "dyn(oldObject)", r.Step))
		return []admissionregistrationv1.Variable{{Name: "added" + suffix, Expression: p.unexcused(cel.When(cel.All(`request.operation == "UPDATE"`, guard), step))}}
	}
	found := `(request.operation == "UPDATE" ? [dyn(object), dyn(oldObject)] : [dyn(object)]).map(self, ` + r.Faults + ")"
	if guard != "" {
		found = cel.If(guard, found, "[[]]")
	}
	v := "variables.found" + suffix
	return []admissionregistrationv1.Variable{
		{Name: "found" + suffix, Expression: found},
		{Name: "added" + suffix, Expression: p.unexcused("(" + v + ".size() == 1 ? " + v + "[0] : " + v + "[0].size() * " + v + "[1].size() > " + maxPairs + " ? [] : " +
			v + "[0].filter(f, !(f in " + v + "[1])))")},
	}
}

// unexcused leaves of a list of faults those that no exemption covers.
func (p *part) unexcused(faults string) string {
	if len(p.exemptions) == 0 {
		return faults
	}
	return faults + ".filter(f, " + cel.Not(excused(p.exemptions)) + ")"
}

// guardOf is true of requests about the kinds.
func guardOf(kinds []inventory.Kind) string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, k.Group+"/"+k.GroupKind.Kind)
	}
	slices.Sort(names)
	return `request.kind.group + "/" + request.kind.kind in ` + cel.Strings(names...)
}

// message begins what a user reads: "EXP-001 node-port (high): Services do not
// open ports on nodes".
func (p *part) message(at string) string {
	return p.check.ID + " " + p.check.Name + " (" + p.key.severity.String() + "): broken rule: " + p.check.Doc.Title + at
}

// advice ends it.
func (p *part) advice() string {
	return ". Risk: " + p.check.Doc.Attack + ". Change: " + p.check.Doc.Fix + ". More: gatehouse explain " + p.check.ID
}

// maxNamed bounds the part of a message that names faults, in characters: the API
// server takes messages of up to 5 KiB.
const maxNamed = "400"

// messageExpression is the message with the faults. They hold what the writer of
// the object wrote, so only visible ASCII characters are repeated. A message with
// a line break the API server would replace by the fixed one.
func (p *part) messageExpression(added string) string {
	named := cel.Let("n", added+`.join(", ")`, `!n.matches("^[ -~]*$") ? "what cannot be shown" : n.size() > `+maxNamed+" ? n.substring(0, "+maxNamed+`) + "..." : n`)
	return cel.Quote(p.message("; at ")) + " + " + named + " + " + cel.Quote(p.advice())
}

// judgedFields are those whose change can add a fault, by kind; of every other
// kind it is the spec. What is not among them (status, managed fields, finalizers)
// changes all the time. Labels and annotations always count.
var judgedFields = map[string][]string{
	"ConfigMap": {"data"}, "PodTemplate": {"template"}, "Endpoints": {"subsets"}, "EndpointSlice": {"endpoints", "ports", "addressType"},
	"ServiceAccount": {"secrets", "imagePullSecrets", "automountServiceAccountToken"},
	"Role":           {"rules"}, "ClusterRole": {"rules", "aggregationRule"}, "RoleBinding": {"subjects", "roleRef"}, "ClusterRoleBinding": {"subjects", "roleRef"},
	"TunnelBinding":                  {"subjects", "tunnelRef"},
	"ValidatingWebhookConfiguration": {"webhooks"}, "MutatingWebhookConfiguration": {"webhooks"}, "Secret": {"data", "type"},
}

// fields are the judged fields of the kinds, each once, in order.
func fields(kinds []inventory.Kind) []string {
	out := []string{"metadata.labels", "metadata.annotations"}
	for _, k := range kinds {
		if list, listed := judgedFields[k.GroupKind.Kind]; listed {
			out = append(out, list...)
		} else {
			out = append(out, "spec")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// conditions leave out what the webhook does not judge either: updates that
// change nothing judged, and kubelets, whose mirror pods stand for files of the
// node.
func (p *part) conditions() []admissionregistrationv1.MatchCondition {
	judged := fields(p.kinds)
	if p.check.OnStatus {
		judged = []string{"status"}
	}
	changed := []string{`request.operation != "UPDATE"`}
	for _, f := range judged {
		optional := "?" + strings.ReplaceAll(f, ".", ".?")
		changed = append(changed, fmt.Sprintf("object.%[1]s != oldObject.%[1]s", optional))
	}
	return []admissionregistrationv1.MatchCondition{
		{Name: "something-judged-changes", Expression: strings.Join(changed, " || ")},
		{Name: "not-a-kubelet", Expression: `!has(request.userInfo.groups) || !("system:nodes" in request.userInfo.groups)`},
	}
}

// Subresources by which labels, annotations or containers of an object change
// past its own resource.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/service/strategy.go (serviceStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/networking/ingress/strategy.go (ingressStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/pod/strategy.go (podStatusStrategy)
var subresources = map[string][]string{
	"services": {"services/status"}, "ingresses": {"ingresses/status"}, "pods": {"pods/status", "pods/ephemeralcontainers"},
}

// resourceRules group the kinds by API group and version. Of kinds that are not
// built in every version is taken, for which one is served differs.
func (p *part) resourceRules() []admissionregistrationv1.NamedRuleWithOperations {
	type key struct{ group, version string }
	resources := map[key][]string{}
	for _, k := range p.kinds {
		at := key{k.Group, k.Version}
		if !k.BuiltIn {
			at.version = "*"
		}
		if p.check.OnStatus {
			resources[at] = append(resources[at], k.Resource+"/status")
			continue
		}
		resources[at] = append(resources[at], k.Resource)
		if k.BuiltIn {
			resources[at] = append(resources[at], subresources[k.Resource]...)
		}
	}
	operations := []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}
	if !p.created || p.check.OnStatus {
		operations = operations[1:]
	}
	keys := make([]key, 0, len(resources))
	for k := range resources {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.version, b.version)) })
	out := make([]admissionregistrationv1.NamedRuleWithOperations, 0, len(keys))
	for _, k := range keys {
		names := slices.Compact(slices.Sorted(slices.Values(resources[k])))
		out = append(out, admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
			Operations: operations,
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{k.group}, APIVersions: []string{k.version}, Resources: names, Scope: new(admissionregistrationv1.AllScopes)},
		}})
	}
	return out
}
