// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The annotations of the policies: the checks that one is made of, and when the
// first of the exemptions that are written into it ends (RFC 3339).
const (
	ChecksAnnotation = "gatehouse.sh/checks"
	EndAnnotation    = "gatehouse.sh/exemptions-end"
)

// policy writes the ValidatingAdmissionPolicy of a group.
func (g *group) policy() admissionregistrationv1.ValidatingAdmissionPolicy {
	out := admissionregistrationv1.ValidatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: "ValidatingAdmissionPolicy"},
		ObjectMeta: objectMeta(g.name()),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			// In process there is nothing that could be down: an expression that fails is
			// one that could not judge.
			FailurePolicy:    new(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{MatchPolicy: new(admissionregistrationv1.Equivalent), ResourceRules: g.resourceRules()},
			MatchConditions:  g.conditions(),
		},
	}
	if g.key.custom != "" {
		g.parts[0].writeCustom(&out)
		return out
	}
	var ids []string
	var exemptions []exempt.Exemption
	said := &sayings{}
	out.Spec.Variables = g.shared()
	for _, p := range g.parts {
		ids, exemptions = append(ids, p.check.ID), append(exemptions, p.exemptions...)
		out.Spec.Variables = append(out.Spec.Variables, p.add(said, g.kinds)...)
	}
	out.Spec.Variables = append(out.Spec.Variables, admissionregistrationv1.Variable{Name: "said", Expression: said.expression()})
	// One validation, for the API server evaluates the message of every validation,
	// whether it fails or not, and shows the user one that fails.
	out.Spec.Validations = []admissionregistrationv1.Validation{{
		Expression:        "variables.said.size() == 0",
		Message:           "the object breaks a rule of Gatehouse: gatehouse check says which",
		MessageExpression: cel.Let("s", `variables.said.join(" | ")`, "s.size() > "+maxSaid+" ? s.substring(0, "+maxSaid+`) + "..." : s`),
		Reason:            new(metav1.StatusReasonForbidden),
	}}
	out.Annotations = annotations(slices.Compact(ids), exemptions)
	if !g.key.each.Empty() {
		out.Spec.ParamKind = &admissionregistrationv1.ParamKind{APIVersion: g.key.each.GroupVersion().String(), Kind: g.key.each.Kind}
	}
	return out
}

// annotations say what a policy is made of.
func annotations(ids []string, exemptions []exempt.Exemption) map[string]string {
	out := map[string]string{ChecksAnnotation: strings.Join(ids, ",")}
	if end, some := firstEnd(exemptions); some {
		out[EndAnnotation] = end.UTC().Format(time.RFC3339)
	}
	return out
}

// shared are the variables that rules of the group share, each once, in the order
// of their coming.
func (g *group) shared() []admissionregistrationv1.Variable {
	var out []admissionregistrationv1.Variable
	seen := map[string]bool{"": true}
	add := func(name, expression string) {
		if !seen[name] {
			seen[name] = true
			out = append(out, admissionregistrationv1.Variable{Name: name, Expression: expression})
		}
	}
	for _, p := range g.parts {
		for _, r := range p.rules {
			for _, v := range r.Shared {
				add(v.Name, v.Expression)
			}
			add(r.Reading.Name, judged+".map(self, "+r.Reading.Expression+")")
		}
	}
	return out
}

// judged are the objects of a request whose faults are compared.
const judged = `(request.operation == "UPDATE" ? [dyn(object), dyn(oldObject)] : [dyn(object)])`

// add writes the rules of the part for a policy that matches the kinds.
func (p *part) add(said *sayings, kinds []inventory.Kind) []admissionregistrationv1.Variable {
	id := strings.ReplaceAll(p.check.ID, "-", "") + p.key.severity.String()
	if p.key.certainty != checks.Violation {
		id += p.key.certainty.String()
	}
	out := make([]admissionregistrationv1.Variable, 0, len(p.rules))
	for i, r := range p.rules {
		name := id
		if len(p.rules) > 1 {
			name += fmt.Sprint(i + 1)
		}
		guard := ""
		if len(r.kinds) < len(kinds) {
			guard = guardOf(r.kinds)
		}
		out = append(out, admissionregistrationv1.Variable{Name: name, Expression: p.unexcused(added(r))})
		said.add(guard, p.piece("variables."+name))
	}
	return out
}

// maxPairs bounds the comparison of the faults before and after an update; it
// costs about three units for each pair, of the 1,000,000 that one expression may
// cost. An update of an object with more faults is left to the webhook.
const maxPairs = "100000"

// added is the list of the faults that the request adds. The expression of the
// rule is there once, for the new and the old object alike.
func added(r rule) string {
	if r.Added != "" {
		return r.Added
	}
	if r.Step != "" {
		return cel.When(`request.operation == "UPDATE"`, cel.Let("object", "dyn(object)", cel.Let("oldObject", "dyn(oldObject)", r.Step)))
	}
	each := judged + ".map(self, " + r.Faults + ")"
	if r.Reading.Name != "" {
		each = `(request.operation == "UPDATE" ? [0, 1] : [0]).map(i, ` +
			cel.Let("self", "[dyn(object), dyn(oldObject)][i]", cel.Let("reading", "variables."+r.Reading.Name+"[i]", r.Faults)) + ")"
	}
	return cel.Let("v", each, "v.size() == 1 ? v[0] : v[0].size() * v[1].size() > "+maxPairs+" ? [] : v[0].filter(f, !(f in v[1]))")
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
func (g *group) conditions() []admissionregistrationv1.MatchCondition {
	names := fields(g.kinds)
	if g.key.onStatus {
		names = []string{"status"}
	}
	changed := []string{`request.operation != "UPDATE"`} //nolint:prealloc // a few, once
	for _, f := range names {
		optional := "?" + strings.ReplaceAll(f, ".", ".?")
		changed = append(changed, fmt.Sprintf("object.%[1]s != oldObject.%[1]s", optional))
	}
	something := strings.Join(changed, " || ")
	if slices.ContainsFunc(g.kinds, func(k inventory.Kind) bool { return k.GroupKind == inventory.SecretKind }) {
		// Like the webhook, no policy looks at other Secrets.
		something = cel.All(`request.kind.kind != "Secret" || dyn(object).?type.orValue("") == `+cel.Quote(string(corev1.SecretTypeServiceAccountToken)), something)
	}
	return []admissionregistrationv1.MatchCondition{
		{Name: "something-judged-changes", Expression: something},
		{Name: "not-a-kubelet", Expression: `!has(request.userInfo.groups) || !("system:nodes" in request.userInfo.groups)`},
	}
}

// Subresources by which labels, annotations or containers of an object change
// past its own resource.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/service/strategy.go (serviceStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/networking/ingress/strategy.go (ingressStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/pod/strategy.go (podStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/apps/deployment/strategy.go (deploymentStatusStrategy), and so on
var subresources = map[string][]string{
	"services": {"services/status"}, "ingresses": {"ingresses/status"}, "pods": {"pods/status", "pods/ephemeralcontainers"},
	"deployments": {"deployments/status"}, "statefulsets": {"statefulsets/status"}, "daemonsets": {"daemonsets/status"}, "replicasets": {"replicasets/status"},
	"replicationcontrollers": {"replicationcontrollers/status"}, "jobs": {"jobs/status"}, "cronjobs": {"cronjobs/status"},
}

// resourceRules group the kinds by API group and version. Of kinds that are not
// built in every version is taken, for which one is served differs.
func (g *group) resourceRules() []admissionregistrationv1.NamedRuleWithOperations {
	type key struct{ group, version string }
	resources := map[key][]string{}
	for _, k := range g.kinds {
		at := key{k.Group, k.Version}
		if !k.BuiltIn {
			at.version = "*"
		}
		if g.key.onStatus {
			resources[at] = append(resources[at], k.Resource+"/status")
			continue
		}
		resources[at] = append(resources[at], k.Resource)
		if k.BuiltIn {
			resources[at] = append(resources[at], subresources[k.Resource]...)
		}
	}
	operations := []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}
	if g.key.onStatus {
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
