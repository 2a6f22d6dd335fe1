// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"cmp"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func mutating(o Options) *admissionregistrationv1.MutatingWebhookConfiguration {
	return &admissionregistrationv1.MutatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: labels()},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutate.gatehouse.sh", ClientConfig: o.client(MutatePath),
			FailurePolicy: new(admissionregistrationv1.Ignore), MatchPolicy: new(admissionregistrationv1.Equivalent),
			SideEffects: new(admissionregistrationv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
			TimeoutSeconds: new(cmp.Or(o.MutateTimeout, 2)), ReinvocationPolicy: new(admissionregistrationv1.IfNeededReinvocationPolicy),
			NamespaceSelector: mutated(o.Namespace), Rules: mutatingRules(), MatchConditions: mutatingConditions(),
		}},
	}
}

// mutatedKinds are what mutation.Plan adds to: marks to what the gateway may serve,
// and one field to what runs pods.
func mutatedKinds() (marked, running []inventory.Kind) {
	for _, k := range inventory.Kinds() {
		switch _, runs := inventory.TemplateOf(k.Object()); {
		case runs:
			running = append(running, k)
		case k.GroupKind == inventory.ServiceKind, k.GroupKind == inventory.IngressKind, k.Group == inventory.GatewayGroup && (k.GroupKind.Kind == "HTTPRoute" || k.GroupKind.Kind == "GRPCRoute"):
			marked = append(marked, k)
		}
	}
	return marked, running
}

// mutatingRules are marks at any time, and what runs pods only when it is created,
// for pods cannot change in what is added.
func mutatingRules() []admissionregistrationv1.RuleWithOperations {
	marked, running := mutatedKinds()
	created := group(running, nil)
	for i := range created {
		created[i].Operations = []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
	}
	return append(group(marked, nil), created...)
}

// mutatingConditions are those of objectConditions that are about what is mutated, and
// leave what runs pods only where it does not say whether these mount a token: nothing
// else is ever added to it (mutation.Plan). What is added to what the gateway may serve
// is for the policy to say.
func mutatingConditions() []admissionregistrationv1.MatchCondition {
	_, running := mutatedKinds()
	resources, silent := make([]string, 0, len(running)), make([]string, 0, len(running))
	for _, k := range running {
		t, _ := inventory.TemplateOf(k.Object())
		resources = append(resources, "'"+k.Resource+"'")
		silent = append(silent, "object.?"+strings.ReplaceAll(t.SpecField(), ".", ".?")+".?automountServiceAccountToken.orValue(null) == null")
	}
	slices.Sort(silent)
	return []admissionregistrationv1.MatchCondition{somethingJudgedChanges(), notAKubelet(), {
		Name:       "says-nothing-of-a-token",
		Expression: "!(request.resource.resource in [" + strings.Join(resources, ", ") + "]) || (" + strings.Join(slices.Compact(silent), " && ") + ")",
	}}
}
