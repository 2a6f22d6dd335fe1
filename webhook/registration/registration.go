// SPDX-License-Identifier: Apache-2.0

// Package registration builds the webhook configurations by which the API
// server calls Gatehouse. It is pure: manifests/webhook is generated from it,
// and the tests and the demo register the same objects with a URL.
package registration

import (
	"cmp"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook"
)

// Name is the name of both webhook configurations. One kubectl line removes
// them: kubectl delete validatingwebhookconfigurations,mutatingwebhookconfigurations gatehouse
const Name = "gatehouse"

// The paths of the handlers.
const (
	ValidatePath = "/validate"
	MutatePath   = "/mutate"
	GuardPath    = "/guard"
	ExemptPath   = "/exempt"
)

// Options say where the webhook is and how long it may take.
type Options struct {
	Namespace string // of the Service, and never judged
	Service   string
	URL       string // base URL instead of a Service, for a webhook outside the cluster
	CABundle  []byte // empty in manifests: the webhook fills it in

	// ValidateTimeout and MutateTimeout are in seconds; 0 means 3 and 2. A
	// verdict takes well below a millisecond, so these are for a busy network.
	ValidateTimeout int32
	MutateTimeout   int32
}

// Build returns both configurations for a set of checks.
func Build(set *checks.Set, o Options) (*admissionregistrationv1.ValidatingWebhookConfiguration, *admissionregistrationv1.MutatingWebhookConfiguration) {
	validating := &admissionregistrationv1.ValidatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: labels()},
	}
	add := func(w admissionregistrationv1.ValidatingWebhook) {
		w.MatchPolicy = new(admissionregistrationv1.Equivalent)
		w.SideEffects = new(admissionregistrationv1.SideEffectClassNone)
		w.AdmissionReviewVersions = []string{"v1"}
		w.TimeoutSeconds = new(cmp.Or(o.ValidateTimeout, 3))
		validating.Webhooks = append(validating.Webhooks, w)
	}
	inNamespaces, cluster := rules(set)
	status, deletions := statusRules(set), deletionRules(set)
	for _, tier := range []struct {
		name     string
		failure  admissionregistrationv1.FailurePolicyType
		selector *metav1.LabelSelector
	}{
		{"enforce", admissionregistrationv1.Fail, enforced(o.Namespace)},
		{"observe", admissionregistrationv1.Ignore, observed(o.Namespace)},
	} {
		add(admissionregistrationv1.ValidatingWebhook{
			Name: tier.name + ".validate.gatehouse.sh", ClientConfig: o.client(ValidatePath), FailurePolicy: new(tier.failure),
			NamespaceSelector: tier.selector, Rules: inNamespaces, MatchConditions: objectConditions(),
		})
		if len(status) > 0 {
			add(admissionregistrationv1.ValidatingWebhook{
				Name: tier.name + "-status.validate.gatehouse.sh", ClientConfig: o.client(ValidatePath), FailurePolicy: new(tier.failure),
				NamespaceSelector: tier.selector, Rules: status, MatchConditions: statusConditions(),
			})
		}
		if len(deletions) > 0 {
			add(admissionregistrationv1.ValidatingWebhook{
				Name: tier.name + "-delete.validate.gatehouse.sh", ClientConfig: o.client(ValidatePath), FailurePolicy: new(tier.failure),
				NamespaceSelector: tier.selector, Rules: deletions,
			})
		}
		add(admissionregistrationv1.ValidatingWebhook{
			Name: tier.name + "-binding.validate.gatehouse.sh", ClientConfig: o.client(ValidatePath), FailurePolicy: new(tier.failure),
			NamespaceSelector: tier.selector, Rules: bindings(), MatchConditions: bindingConditions(),
		})
	}
	add(admissionregistrationv1.ValidatingWebhook{
		Name: "cluster.validate.gatehouse.sh", ClientConfig: o.client(ValidatePath), FailurePolicy: new(admissionregistrationv1.Ignore),
		Rules: cluster, MatchConditions: objectConditions(),
	})
	add(admissionregistrationv1.ValidatingWebhook{
		Name: "namespace.guard.gatehouse.sh", ClientConfig: o.client(GuardPath), FailurePolicy: new(admissionregistrationv1.Fail),
		NamespaceSelector: notSystem(o.Namespace),
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: guarded, Scope: new(admissionregistrationv1.ClusterScope)},
		}},
		MatchConditions: guardConditions(),
	})
	// No namespace is left out: an exemption that nobody judged would be one that
	// anybody wrote.
	add(admissionregistrationv1.ValidatingWebhook{
		Name: exempt.GuardWebhook, ClientConfig: o.client(ExemptPath), FailurePolicy: new(admissionregistrationv1.Fail),
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"exemptions"}, Scope: new(admissionregistrationv1.NamespacedScope)},
		}},
		MatchConditions: exemptionConditions(),
	})
	return validating, mutating(o)
}

// guarded are the resources by which the labels of a namespace can be changed.
// The two subresources do not take a changed spec or status, but they take the
// rest. https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/namespace/strategy.go
var guarded = []string{"namespaces", "namespaces/finalize", "namespaces/status"}

func (o Options) client(path string) admissionregistrationv1.WebhookClientConfig {
	c := admissionregistrationv1.WebhookClientConfig{CABundle: o.CABundle}
	if o.URL != "" {
		c.URL = new(o.URL + path)
		return c
	}
	c.Service = &admissionregistrationv1.ServiceReference{Namespace: o.Namespace, Name: o.Service, Path: new(path), Port: new(int32(443))}
	return c
}

// rules splits the kinds that the checks judge by scope.
func rules(set *checks.Set) (inNamespaces, cluster []admissionregistrationv1.RuleWithOperations) {
	var in, at []inventory.Kind
	for _, gk := range set.Kinds() {
		k, known := inventory.KindOf(gk)
		switch {
		case !known:
		case k.Namespaced:
			in = append(in, k)
		default:
			at = append(at, k)
		}
	}
	return group(in, []string{"pods/ephemeralcontainers"}), group(at, nil)
}

// metadataByStatus are the kinds whose status subresource stores changes of labels
// or annotations, by which checks judge. That of a Deployment stores annotations
// alone; that of a custom resource stores neither.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/service/strategy.go (serviceStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/networking/ingress/strategy.go (ingressStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/pod/strategy.go (podStatusStrategy)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/apps/deployment/strategy.go (deploymentStatusStrategy),
// and likewise those of the kinds below it here.
var metadataByStatus = []schema.GroupKind{
	inventory.ServiceKind, inventory.IngressKind, inventory.PodKind,
	{Group: "apps", Kind: "Deployment"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "apps", Kind: "DaemonSet"},
	{Group: "apps", Kind: "ReplicaSet"},
	{Group: "batch", Kind: "Job"},
	{Group: "batch", Kind: "CronJob"},
	{Kind: "ReplicationController"},
}

// statusRules are the status subresources that some check judges, or by which
// an object could be changed past the checks.
func statusRules(set *checks.Set) []admissionregistrationv1.RuleWithOperations {
	var kinds []inventory.Kind
	for _, c := range set.Checks() {
		for _, gk := range c.Kinds {
			if k, known := inventory.KindOf(gk); known && (c.OnStatus || slices.Contains(metadataByStatus, gk)) {
				kinds = append(kinds, k)
			}
		}
	}
	out := group(kinds, nil)
	for i := range out {
		out[i].Operations = []admissionregistrationv1.OperationType{admissionregistrationv1.Update}
		for j := range out[i].Resources {
			out[i].Resources[j] += "/status"
		}
	}
	return out
}

// deletionRules are the kinds whose deletion some check judges.
func deletionRules(set *checks.Set) []admissionregistrationv1.RuleWithOperations {
	var kinds []inventory.Kind
	for _, gk := range set.Kinds() {
		if k, known := inventory.KindOf(gk); known && k.Namespaced && set.OnDelete(gk) {
			kinds = append(kinds, k)
		}
	}
	out := group(kinds, nil)
	for i := range out {
		out[i].Operations = []admissionregistrationv1.OperationType{admissionregistrationv1.Delete}
	}
	return out
}

// bindings are the ways to put a pod on a node, which take labels and annotations
// along.
func bindings() []admissionregistrationv1.RuleWithOperations {
	return []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"bindings", "pods/binding"}, Scope: new(admissionregistrationv1.NamespacedScope)},
	}}
}

// group makes one rule for every API group and version set. Built-in kinds are
// registered in the version that is read, and equivalent versions are converted
// to it; of custom kinds every version is taken, for which of them is served
// differs from cluster to cluster.
func group(kinds []inventory.Kind, extra []string) []admissionregistrationv1.RuleWithOperations {
	type key struct{ group, version string }
	resources := map[key][]string{}
	for _, k := range kinds {
		version := k.Version
		if !k.BuiltIn {
			version = "*"
		}
		at := key{k.Group, version}
		if !slices.Contains(resources[at], k.Resource) {
			resources[at] = append(resources[at], k.Resource)
		}
	}
	if len(extra) > 0 {
		resources[key{"", "v1"}] = append(resources[key{"", "v1"}], extra...)
	}
	keys := make([]key, 0, len(resources))
	for k := range resources {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.version, b.version))
	})
	out := make([]admissionregistrationv1.RuleWithOperations, 0, len(keys))
	for _, k := range keys {
		slices.Sort(resources[k])
		out = append(out, admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{k.group}, APIVersions: []string{k.version}, Resources: resources[k], Scope: new(admissionregistrationv1.AllScopes)},
		})
	}
	return out
}

func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": "gatehouse-webhook", "app.kubernetes.io/part-of": "gatehouse"}
}

// The selectors exclude the system namespaces by the name label that the API
// server maintains, in addition to the opt-in, so that nobody can label
// kube-system into a deadlock.
func notSystem(own string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpNotIn, Values: append(slices.Clone(webhook.SystemNamespaces), own)},
	}}
}

// enforced selects namespaces that opted in and did not ask for less: a value
// with a typing mistake enforces.
func enforced(own string) *metav1.LabelSelector {
	s := notSystem(own)
	s.MatchExpressions = append(s.MatchExpressions,
		metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpExists},
		metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"warn", "audit"}},
	)
	return s
}

func observed(own string) *metav1.LabelSelector {
	s := notSystem(own)
	s.MatchExpressions = append(s.MatchExpressions,
		metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{"warn", "audit"}})
	return s
}

func mutated(own string) *metav1.LabelSelector {
	s := notSystem(own)
	s.MatchExpressions = append(s.MatchExpressions,
		metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpExists},
		metav1.LabelSelectorRequirement{Key: policy.AdmissionLabel, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"audit"}})
	return s
}
