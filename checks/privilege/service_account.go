// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// accountChecks lists SA-004, SA-005, SA-011 and SA-012: ServiceAccounts and
// their Secrets.
func accountChecks() []checks.Check {
	return []checks.Check{longLivedToken(), cloudIdentity(), reusedAccountName(), broadPullSecret()}
}

var serviceAccounts = []schema.GroupKind{inventory.ServiceAccountKind}

// longLivedToken flags token Secrets and accounts that list them (SA-004).
func longLivedToken() checks.Check {
	return checks.Check{
		ID: "SA-004", Name: "long-lived-token",
		Severity: checks.High, Actions: stricter, Kinds: []schema.GroupKind{inventory.SecretKind, inventory.ServiceAccountKind},
		Doc: checks.Doc{
			Title: "No Secret holds a token of a ServiceAccount",
			Why: "Kubernetes writes a token of the ServiceAccount that the annotation names into every Secret of type kubernetes.io/service-account-token. It never expires, belongs to no Pod, and whoever reads the Secret has it. " +
				"Since Kubernetes 1.24 none is made unasked, so each is somebody's decision; changing the annotation of one is another. A ServiceAccount that lists such a Secret, named as Kubernetes once named them, is reported as well. " +
				"Of such a Secret Gatehouse reads everything but the content, when it is created or changes the account, and keeps nothing; other Secrets are not sent to it, and it may not read any.",
			Attack: "uses the token, which never expires, from anywhere",
			Fix:    "use a projected token in Pods, and `kubectl create token` or the TokenRequest API outside of them",
			Exempt: "A system outside the cluster that can only store one token; delete the Secret to end it.",
			Sources: []string{
				accountAdminDocs + "#manual-secret-management-for-serviceaccounts",
				"https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets",
				accountTaskDocs + "#manually-create-an-api-token-for-a-serviceaccount",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *inventory.Secret:
				return judgeTokenSecret(o)
			case *corev1.ServiceAccount:
				return judgeListedTokens(o)
			}
			return unreadable(in)
		},
	}
}

func judgeTokenSecret(s *inventory.Secret) []checks.Finding {
	if s.Type != corev1.SecretTypeServiceAccountToken {
		return nil
	}
	name := s.Annotations[corev1.ServiceAccountNameKey]
	account := inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: s.Namespace, Name: name}
	return []checks.Finding{{
		Subject: "account/" + name, Field: "type", Message: "holds a token of " + account.String() + " that never expires",
	}}
}

func judgeListedTokens(sa *corev1.ServiceAccount) []checks.Finding {
	var out []checks.Finding
	for i := range sa.Secrets {
		if name := sa.Secrets[i].Name; blast.TokenOwner(name) == sa.Name {
			out = append(out, checks.Finding{
				Subject: "secret/" + name, Field: fmt.Sprintf("secrets[%d].name", i),
				Message: "lists Secret " + name + ", which by its name holds a token of the account that never expires",
			})
		}
	}
	return out
}

// cloudIdentity flags accounts with an identity of a cloud (SA-005).
func cloudIdentity() checks.Check {
	return checks.Check{
		ID: "SA-005", Name: "cloud-identity",
		Severity: checks.Medium, Actions: warned, Kinds: serviceAccounts,
		Doc: checks.Doc{
			Title: "ServiceAccounts with an identity in a cloud are known",
			Why: "An annotation of a ServiceAccount gives its Pods an identity of a cloud: eks.amazonaws.com/role-arn, iam.gke.io/gcp-service-account, azure.workload.identity/client-id and those of Alibaba Cloud and Oracle Cloud. " +
				"What that identity may do no object of the cluster says. It is medium, and high when a workload that runs as the account can be reached from outside; that workload is then refused by exposed-cloud-identity (XR-004). " +
				"Changing the value is a new finding. Associations that the cloud keeps for itself, such as those of EKS Pod Identity, are not seen.",
			Attack: "acts in the cloud as the identity, from any Pod of the account",
			Fix:    "give the identity to an account that one workload uses, and let it do what that workload needs",
			Exempt: "Each account whose identity somebody has looked at.",
			Sources: []string{
				"https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
				"https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
				"https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html",
			},
		},
		Run: checks.On(judgeCloudIdentity),
	}
}

func judgeCloudIdentity(sa *corev1.ServiceAccount, in checks.Input) []checks.Finding {
	list := blast.Identities(sa)
	if len(list) == 0 {
		return nil
	}
	var way exposure.Way
	var exposed *inventory.Workload
	for w := range blast.Running(in, sa.Namespace, sa.Name) {
		if exposed != nil && w.Key.Compare(exposed.Key) > 0 {
			continue
		}
		if first, open := openWay(w, in); open {
			way, exposed = first, w
		}
	}
	out := make([]checks.Finding, 0, len(list))
	for _, id := range list {
		f := checks.Finding{
			Subject: "identity/" + id.Annotation + "=" + id.Value, Field: "metadata.annotations[" + id.Annotation + "]",
			Message: "lets its Pods act as the " + id.Is + " " + id.Value,
		}
		if exposed != nil {
			f.Severity, f.Certainty = checks.High, way.Certainty()
			f.Message += ", and " + exposed.Key.String() + ", which runs as it, is reachable from " + from(way)
			f.Path = way.Path(exposed.Key.String(), inventory.KeyOf(sa).String(), id.Is+" "+id.Value)
		}
		out = append(out, f)
	}
	return out
}

// reusedAccountName flags new accounts that bindings waited for (SA-011).
func reusedAccountName() checks.Check {
	return checks.Check{
		ID: "SA-011", Name: "reused-account-name",
		Severity: checks.High, Actions: checks.Actions{Baseline: checks.Warn, Strict: checks.Deny}, Kinds: serviceAccounts,
		Doc: checks.Doc{
			Title: "A new ServiceAccount has no bindings from before",
			Why: "Bindings name accounts, not objects: when an account is deleted its bindings stay, and whoever creates an account of that name has what they grant. " +
				"It is judged when an account is created, by the bindings that the cluster holds and that name it, as a ServiceAccount or as a user; those of groups that every account belongs to are left out. " +
				"The severity is that of the worst permission, low when there is no dangerous one. A file is not judged, for it says nothing of what was there before: create the account before its bindings.",
			Attack:  "creates an account of a known name and has what was granted to its predecessor",
			Fix:     "delete the bindings of an account with it, and create the account before what names it",
			Exempt:  "A tool that applies bindings before accounts, or restores a namespace.",
			Sources: []string{goodPractices + "#periodic-review", rbacDocs + "#referring-to-subjects"},
		},
		Run: checks.On(judgeReusedName),
	}
}

func judgeReusedName(sa *corev1.ServiceAccount, in checks.Input) []checks.Finding {
	if in.Request.Operation != checks.Create || in.Old != nil || in.Request.Stored || in.Request.User == "" {
		return nil
	}
	subject := authz.ServiceAccount(sa.Namespace, sa.Name)
	view := authz.Over(in.Inventory)
	waiting := map[inventory.Key]bool{}
	var first authz.Bound
	for b := range view.Bindings(subject) {
		if shippedBinding(b) || !slices.ContainsFunc(b.Subjects, func(s rbacv1.Subject) bool {
			return s.Kind != rbacv1.GroupKind && subject.Names(&s, b.Key.Namespace)
		}) {
			continue
		}
		if waiting[b.Key] = true; len(waiting) == 1 || b.Key.Compare(first.Key) < 0 {
			first = b
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	isNew := "is new and has " + counted(len(waiting), "binding") + " already"
	f := checks.Finding{
		Severity: checks.Low, Subject: "bindings", Field: "metadata.name",
		Message: isNew + ": " + first.Key.String() + " grants it " + first.Role().String(),
		Path:    []string{inventory.KeyOf(sa).String(), first.Key.String(), first.Role().String()},
	}
	for _, h := range power.Direct(view, subject) {
		if waiting[h.Grant.Binding] && h.Severity > f.Severity {
			f.Severity = h.Severity
			f.Message = isNew + ", by which it may " + h.Power.Can + inScope(h.Grant.Namespace)
			f.Path = []string{inventory.KeyOf(sa).String(), h.Grant.Binding.String(), h.Grant.Role.String()}
		}
	}
	return []checks.Finding{f}
}

// broadPullSecret records credentials of registries that many pods get, or that
// look like those of the whole registry (SA-012).
func broadPullSecret() checks.Check {
	return checks.Check{
		ID: "SA-012", Name: "broad-pull-secret",
		Severity: checks.Info, Actions: checks.Actions{Baseline: checks.Audit, Strict: checks.Audit},
		Kinds: slices.Concat(serviceAccounts, exposure.TemplateKinds()),
		Doc: checks.Doc{
			Title: "Registry credentials go to the workloads that need them",
			Why: "The imagePullSecrets of a ServiceAccount are given to every Pod that runs as it; those of default to every Pod of the namespace that names no account, and whoever may create Pods there can pull what they pull. " +
				"Recorded are the Secrets of the account default, except the ones that OpenShift puts there, and, of any account or Pod, a Secret whose name says that it is for a whole registry (admin, root, master, global, shared, json-key). " +
				"What a credential may do is not in the cluster.",
			Attack: "pulls every image that the credential opens, or pushes them if it may",
			Fix:    "use a credential that can only pull, of the repositories of the workload, and list it at the account of that workload",
			Exempt: "A registry whose images everybody in the cluster may have.",
			Sources: []string{
				accountTaskDocs + "#add-imagepullsecrets-to-a-service-account", "https://kubernetes.io/docs/concepts/containers/images/#specifying-imagepullsecrets-on-a-pod",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if sa, ok := in.Object.(*corev1.ServiceAccount); ok {
				return pullSecrets(sa.ImagePullSecrets, "imagePullSecrets", func(name string) string {
					if sa.Name == "default" && !strings.HasPrefix(name, "default-dockercfg-") {
						return "gives every Pod of the namespace without an account of its own the registry credential " + name
					}
					return ""
				})
			}
			return broadPullSecretOfPod(in)
		},
	}
}

var broadPullSecretOfPod = onRunners(func(r runner) []checks.Finding {
	return pullSecrets(r.spec.ImagePullSecrets, r.field+".imagePullSecrets", func(string) string { return "" })
})

// registryWide are names of credentials that open more than a repository.
var registryWide = regexp.MustCompile(`(?i)(^|[-_.])(admin|root|master|global|shared|json[-_.]?key)($|[-_.])`)

func pullSecrets(list []corev1.LocalObjectReference, field string, say func(name string) string) []checks.Finding {
	var out []checks.Finding
	for i := range list {
		name := list[i].Name
		message := say(name)
		if message == "" && registryWide.MatchString(name) {
			message = "pulls images with " + name + ", by its name the credential of a whole registry"
		}
		if message != "" {
			out = append(out, checks.Finding{Subject: "pullSecret/" + name, Field: fmt.Sprintf("%s[%d].name", field, i), Message: message})
		}
	}
	return out
}
