// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func boundDefaultAccount() checks.Check {
	return checks.Check{
		ID: "RBAC-063", Name: "bind-default-account", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Nothing is bound to default ServiceAccounts",
			Why: "Every Pod that names no ServiceAccount runs as default, those that somebody deploys next year included. " +
				"In a RoleBinding a role that holds nothing medium or worse is medium, anything else is high. The spelling as User system:serviceaccount:…:default counts.",
			Attack:  "any Pod of the namespace has the role, and nobody asked for it",
			Fix:     "make a ServiceAccount for the workload, name it in the Pod, and bind that",
			Exempt:  "A program that cannot be given an account of its own.",
			Sources: []string{cisBenchmark, "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/", goodPractices + "#minimize-distribution-of-privileged-tokens"},
		},
		Run: eachSubject(func(b *binding, s *subject, _ checks.Input) (checks.Severity, string) {
			namespace, name, account := s.account()
			if !account || name != "default" {
				return checks.SeverityUnset, ""
			}
			severity := checks.High
			if b.scope.Namespace != "" && b.harmless() {
				severity = checks.Medium
			}
			return severity, "gives " + b.role.String() + b.where() + " to every Pod of namespace " + namespace + " that names no ServiceAccount"
		}),
	}
}

// offered are roles of kube-system that are made for the accounts of others: an
// extension API server reads by it whom to trust.
// https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/
var offered = inventory.Key{Kind: inventory.RoleKind, Namespace: "kube-system", Name: "extension-apiserver-authentication-reader"}

func otherNamespace() checks.Check {
	return checks.Check{
		ID: "RBAC-064", Name: "bind-other-namespace", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Roles in a namespace are for its own ServiceAccounts",
			Why: "A RoleBinding that names an account of another namespace lets whoever runs Pods there act here: the two namespaces trust each other from then on, and the owners of this one see it in no list of their Pods. " +
				"It is medium when the role holds something medium or worse, or is not known; low when it does not, or the account is one of kube-system or of Gatehouse; " +
				"and high when a namespace of the control plane or of Gatehouse trusts another one with something high. " +
				"ClusterRoleBindings belong to no namespace. extension-apiserver-authentication-reader is meant for others.",
			Attack:  "crosses from one namespace into another by running a Pod",
			Fix:     "run the workload in the namespace that it works on, or give it a role of its own that holds less",
			Exempt:  "Pipelines, monitoring and operators that serve several namespaces.",
			Sources: []string{rbacDocs + "#rolebinding-and-clusterrolebinding", goodPractices + "#least-privilege", "https://kubernetes.io/docs/concepts/security/multi-tenancy/#isolation"},
		},
		Run: eachSubject(func(b *binding, s *subject, _ checks.Input) (checks.Severity, string) {
			namespace, _, account := s.account()
			if !account || b.scope.Namespace == "" || namespace == b.scope.Namespace || b.role == offered {
				return checks.SeverityUnset, ""
			}
			severity := checks.Medium
			switch {
			case power.Special(b.scope.Namespace) && !power.Special(namespace) && b.worst() >= checks.High:
				severity = checks.High
			case power.Special(namespace) || b.harmless():
				severity = checks.Low
			}
			return severity, "lets " + s.name + " of another namespace act" + b.where() + " by " + b.role.String()
		}),
	}
}

func couldBeNamespaced() checks.Check {
	return checks.Check{
		ID: "RBAC-066", Name: "bind-too-widely", Severity: checks.Low, Actions: checks.Actions{Baseline: checks.Audit, Strict: checks.Audit}, Kinds: clusterBindings,
		Doc: checks.Doc{
			Title: "What a RoleBinding could give is not given in the whole cluster",
			Why: "A ClusterRoleBinding gives a role in every namespace. Where all that the role allows has a namespace, and all subjects are ServiceAccounts of a single one, a RoleBinding there may be enough. " +
				"Whether the workload looks at other namespaces is not to be seen in the binding, so this is recorded and no more. " +
				"Roles with custom resources, stars, URLs or anything that has no namespace are not reported.",
			Attack:  "reaches every namespace by an account that works in one",
			Fix:     "write a RoleBinding in the namespace of the account to the same ClusterRole",
			Exempt:  "Controllers and collectors that watch every namespace.",
			Sources: []string{goodPractices + "#least-privilege", rbacDocs + "#rolebinding-and-clusterrolebinding"},
		},
		Run: func(in checks.Input) []checks.Finding {
			b, ok := bindingOf(in)
			if !ok {
				return unreadable(in)
			}
			namespace := b.onlyNamespace()
			if namespace == "" || len(b.rules) == 0 {
				return nil
			}
			for i := range b.rules {
				if !withinNamespaces(&b.rules[i]) {
					return nil
				}
			}
			return []checks.Finding{{
				Subject: "roleRef", Field: "roleRef",
				Message: "gives " + b.role.String() + " in every namespace to accounts of namespace " + namespace + " alone",
			}}
		},
	}
}

// onlyNamespace is that of all subjects; empty when they are not all accounts of
// one namespace.
func (b *binding) onlyNamespace() string {
	out := ""
	for i := range b.subjects {
		namespace, _, account := b.subjects[i].account()
		if !account || out != "" && namespace != out {
			return ""
		}
		out = namespace
	}
	return out
}

// withNamespace are the resources of Kubernetes that have one, by group.
// https://kubernetes.io/docs/reference/kubernetes-api/
var withNamespace = map[string]string{
	"":                          " bindings configmaps endpoints events limitranges persistentvolumeclaims pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services ",
	"apps":                      " controllerrevisions daemonsets deployments replicasets statefulsets ",
	"authorization.k8s.io":      " localsubjectaccessreviews ",
	"autoscaling":               " horizontalpodautoscalers ",
	"batch":                     " cronjobs jobs ",
	"coordination.k8s.io":       " leases ",
	"discovery.k8s.io":          " endpointslices ",
	"events.k8s.io":             " events ",
	"networking.k8s.io":         " ingresses networkpolicies ",
	"policy":                    " poddisruptionbudgets ",
	"rbac.authorization.k8s.io": " rolebindings roles ",
	"resource.k8s.io":           " resourceclaims resourceclaimtemplates ",
	"storage.k8s.io":            " csistoragecapacities ",
}

// withinNamespaces reports whether all that a rule allows is known to have a
// namespace.
func withinNamespaces(rule *rbacv1.PolicyRule) bool {
	if len(rule.NonResourceURLs) > 0 {
		return false
	}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			name, _, _ := strings.Cut(resource, "/")
			if !strings.Contains(withNamespace[group], " "+name+" ") {
				return false
			}
		}
	}
	return true
}
