// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// systemNamespaces are never judged, as by the webhook (webhook.SystemNamespaces;
// a test compares).
var systemNamespaces = []string{"kube-system", "kube-node-lease", "kube-public"}

// CanaryNamespace is where the controller tries what the webhook must refuse
// (docs/background.md). Were it refused by a policy first, nothing would be proved
// about the webhook; a quota keeps the namespace empty.
const CanaryNamespace = "gatehouse-canary"

// SystemNamespaces returns the namespaces that no binding selects, besides those
// of Gatehouse. The slice is the caller's.
func SystemNamespaces() []string { return slices.Clone(systemNamespaces) }

// action is what the policy does about the findings of a part in a mode.
func (p *part) action(rules *policy.Policy, mode policy.Mode, profile policy.Profile) checks.Action {
	f := checks.Finding{Check: p.check.ID, Severity: p.key.severity, Certainty: p.key.certainty}
	verdict := rules.Decide(mode, profile, nil, []checks.Finding{f})
	if len(verdict) == 0 {
		return checks.Ignore
	}
	return verdict[0].Action
}

// bindings say where a policy applies and what it does there: one for each mode
// of a namespace, and one for each profile where the profiles differ.
func (g *group) bindings(own string) []admissionregistrationv1.ValidatingAdmissionPolicyBinding {
	var out []admissionregistrationv1.ValidatingAdmissionPolicyBinding
	add := func(suffix string, action checks.Action, selector *metav1.LabelSelector) {
		if action != checks.Ignore {
			out = append(out, g.binding(suffix, action, selector))
		}
	}
	if g.key.cluster {
		add("", g.key.baseline, nil)
		return out
	}
	for _, mode := range []policy.Mode{policy.AuditOnly, policy.Enforce, policy.WarnOnly} {
		baseline, strict := soften(g.key.baseline, mode), soften(g.key.strict, mode)
		if baseline == strict {
			add("-"+mode.String(), baseline, selector(mode, own))
			continue
		}
		// A selector has no "or": without a profile label the baseline applies, too.
		add("-"+mode.String(), baseline, selector(mode, own, metav1.LabelSelectorRequirement{Key: policy.ProfileLabel, Operator: metav1.LabelSelectorOpDoesNotExist}))
		add("-"+mode.String()+"-baseline", baseline, selector(mode, own,
			metav1.LabelSelectorRequirement{Key: policy.ProfileLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{"", "baseline"}}))
		add("-"+mode.String()+"-strict", strict, selector(mode, own,
			metav1.LabelSelectorRequirement{Key: policy.ProfileLabel, Operator: metav1.LabelSelectorOpExists},
			metav1.LabelSelectorRequirement{Key: policy.ProfileLabel, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"", "baseline"}}))
	}
	return out
}

// soften is what a mode makes of an action, as policy.Decide does.
func soften(a checks.Action, mode policy.Mode) checks.Action {
	switch mode {
	case policy.WarnOnly:
		return max(a, checks.Warn)
	case policy.AuditOnly:
		return max(a, checks.Audit)
	case policy.Enforce, policy.Off:
	}
	return a
}

func (g *group) binding(suffix string, action checks.Action, namespaces *metav1.LabelSelector) admissionregistrationv1.ValidatingAdmissionPolicyBinding {
	out := admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: "ValidatingAdmissionPolicyBinding"},
		ObjectMeta: objectMeta(g.name() + suffix),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: g.name(), ValidationActions: []admissionregistrationv1.ValidationAction{enforcement(action)},
		},
	}
	if namespaces != nil {
		out.Spec.MatchResources = &admissionregistrationv1.MatchResources{NamespaceSelector: namespaces}
	}
	if !g.key.each.Empty() {
		// None is nothing to refuse by.
		out.Spec.ParamRef = &admissionregistrationv1.ParamRef{Selector: &metav1.LabelSelector{}, ParameterNotFoundAction: new(admissionregistrationv1.AllowAction)}
	}
	return out
}

// enforcement is an action in the API server's word. What is off has no binding.
func enforcement(a checks.Action) admissionregistrationv1.ValidationAction {
	switch a {
	case checks.Warn:
		return admissionregistrationv1.Warn
	case checks.Audit:
		return admissionregistrationv1.Audit
	case checks.Deny, checks.Ignore:
	}
	return admissionregistrationv1.Deny
}

// selector picks the namespaces of a mode as policy.ScopeOf reads their labels: a
// value with a typing mistake enforces, an empty one opts out.
func selector(mode policy.Mode, own string, profile ...metav1.LabelSelectorRequirement) *metav1.LabelSelector {
	out := []metav1.LabelSelectorRequirement{
		{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: append(SystemNamespaces(), own, CanaryNamespace)},
	}
	if mode == policy.Enforce {
		out = append(out,
			metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpExists},
			metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"", policy.WarnOnly.String(), policy.AuditOnly.String()}})
	} else {
		out = append(out, metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{mode.String()}})
	}
	return &metav1.LabelSelector{MatchExpressions: append(out, profile...)}
}
