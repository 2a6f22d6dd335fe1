// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// Match conditions are CEL that the API server evaluates before it calls us.
// They leave out what cannot change a verdict: that is most of the writes of a
// busy cluster. An error in one counts as the failure policy says.

// objectConditions skip updates that change nothing judged (status, leases of
// managed fields), kubelets (whose mirror pods stand for files on the node),
// and the controllers that write endpoints for Services with a selector. Of the
// metadata, ownerReferences wake nothing: the garbage collector and every adoption
// write them, and what a verdict believes of one (inventory.ControllerOf) only ever
// leaves out what the controller itself was judged for. Policies of ours are the
// exception: with an owner a floor is deleted (EXP-051).
func objectConditions() []admissionregistrationv1.MatchCondition {
	return []admissionregistrationv1.MatchCondition{
		somethingJudgedChanges(),
		notAKubelet(),
		{Name: "not-an-endpoint-controller", Expression: `!(request.resource.resource in ['endpoints', 'endpointslices'] && request.userInfo.username in [` +
			`'system:serviceaccount:kube-system:endpoint-controller', 'system:serviceaccount:kube-system:endpointslice-controller', ` +
			`'system:serviceaccount:kube-system:endpointslicemirroring-controller', 'system:kube-controller-manager', 'system:apiserver'])`},
		{Name: "config-map-of-a-controller", Expression: `request.resource.resource != 'configmaps' || (has(object.data) && ` +
			`object.data.exists(k, k in ['allow-snippet-annotations', 'annotations-risk-level']))`},
		tokenOfAnotherAccount(),
	}
}

// somethingJudgedChanges is not true of an update of fields that nothing here reads.
func somethingJudgedChanges() admissionregistrationv1.MatchCondition {
	return admissionregistrationv1.MatchCondition{Name: "something-judged-changes", Expression: "request.operation != 'UPDATE' || oldObject == null || (has(request.subResource) && request.subResource != '') || (request.resource.group == 'gatehouse.sh' && (" + differs("metadata.ownerReferences") + ")) || " + differs(
		"spec", "data", "rules", "aggregationRule", "subjects", "roleRef",
		"automountServiceAccountToken", "secrets", "imagePullSecrets", "webhooks", "subsets", "endpoints", "ports", "addressType", "template", "controller",
		"metadata.labels", "metadata.annotations")}
}

// tokenOfAnotherAccount leaves of the Secrets those for which Kubernetes makes a
// token of a ServiceAccount, when they are created or change the account. A review
// holds the whole object, so every other Secret stays in the API server, and the
// token too, which Kubernetes writes later. The type of a Secret never changes.
func tokenOfAnotherAccount() admissionregistrationv1.MatchCondition {
	account := func(object string) string {
		return object + ".?metadata.?annotations[?'kubernetes.io/service-account.name'].orValue('')"
	}
	return admissionregistrationv1.MatchCondition{Name: "token-of-another-account", Expression: `request.resource.resource != 'secrets' || ` +
		`(object.?type.orValue('') == 'kubernetes.io/service-account-token' && ` +
		`(request.operation != 'UPDATE' || oldObject == null || ` + account("object") + " != " + account("oldObject") + "))"}
}

// statusConditions leave only writes that change the addresses a Service or an
// Ingress claims, or labels and annotations, which the API server takes through
// these subresources as well.
func statusConditions() []admissionregistrationv1.MatchCondition {
	return []admissionregistrationv1.MatchCondition{
		{Name: "something-judged-changes", Expression: "oldObject == null || " + differs("status.loadBalancer", "metadata.labels", "metadata.annotations")},
		notAKubelet(),
	}
}

// bindingConditions leave only Bindings that change the labels or annotations of their
// pod. Kubernetes adds the zone and the region of the node to every one, whoever made
// it, so these two do not count: no scheduler must wait for us because of them. Its own
// scheduler is left out by its name.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/plugin/pkg/admission/podtopologylabels/admission.go
func bindingConditions() []admissionregistrationv1.MatchCondition {
	return []admissionregistrationv1.MatchCondition{
		{Name: "not-the-scheduler", Expression: "request.userInfo.username != 'system:kube-scheduler'"},
		{Name: "brings-metadata", Expression: "object.?metadata.?labels.orValue({}).exists(k, !(k in ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'])) || size(object.?metadata.?annotations.orValue({})) > 0"},
	}
}

func notAKubelet() admissionregistrationv1.MatchCondition {
	return admissionregistrationv1.MatchCondition{Name: "not-a-kubelet", Expression: "!('system:nodes' in request.userInfo.groups)"}
}

// guardConditions leave only updates that change our labels.
func guardConditions() []admissionregistrationv1.MatchCondition {
	label := func(object, key string) string {
		return fmt.Sprintf("(has(%[1]s.metadata.labels) && '%[2]s' in %[1]s.metadata.labels ? %[1]s.metadata.labels['%[2]s'] : '')", object, key)
	}
	keys := []string{policy.AdmissionLabel, policy.ProfileLabel}
	changed := make([]string, 0, len(keys))
	for _, key := range keys {
		changed = append(changed, label("object", key)+" != "+label("oldObject", key))
	}
	return []admissionregistrationv1.MatchCondition{{Name: "opt-in-changes", Expression: strings.Join(changed, " || ")}}
}

// exemptionConditions leave only writes that change what is exempt.
func exemptionConditions() []admissionregistrationv1.MatchCondition {
	return []admissionregistrationv1.MatchCondition{
		{Name: "spec-changes", Expression: "request.operation != 'UPDATE' || oldObject == null || " + differs("spec")},
	}
}

// differs is true when any of the paths is not the same in both objects. A path
// that is absent from both is the same.
func differs(paths ...string) string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		optional := "?" + strings.ReplaceAll(p, ".", ".?")
		out = append(out, fmt.Sprintf("object.%[1]s != oldObject.%[1]s", optional))
	}
	return strings.Join(out, " || ")
}
