// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// GuardWebhook is the name of the webhook that judges writes of Exemptions.
const GuardWebhook = "exemption.guard.gatehouse.sh"

// Guarding returns the place of a cluster's exemptions, as its registration says.
// Install is the namespace of Gatehouse where the registration names none. A
// registration whose guard could be passed, or none at all (nil), guards nothing:
// exemptions outside of Install then do not count.
func Guarding(registration *admissionregistrationv1.ValidatingWebhookConfiguration, install string) Place {
	p := Place{Install: install, Cluster: true}
	if registration == nil {
		return p
	}
	at := slices.IndexFunc(registration.Webhooks, func(w admissionregistrationv1.ValidatingWebhook) bool { return w.Name == GuardWebhook })
	if at < 0 {
		return p
	}
	w := &registration.Webhooks[at]
	if s := w.ClientConfig.Service; s != nil {
		p.Install = s.Namespace
	}
	fails := w.FailurePolicy != nil && *w.FailurePolicy == admissionregistrationv1.Fail
	if fails && everything(w.NamespaceSelector) && everything(w.ObjectSelector) && slices.ContainsFunc(w.Rules, guards) {
		p.Guarded = registration.CreationTimestamp.Time
	}
	return p
}

func everything(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

func guards(r admissionregistrationv1.RuleWithOperations) bool {
	return slices.Contains(r.APIGroups, v1alpha1.GroupName) && slices.Contains(r.Resources, "exemptions") &&
		slices.Contains(r.Operations, admissionregistrationv1.Create) && slices.Contains(r.Operations, admissionregistrationv1.Update)
}
