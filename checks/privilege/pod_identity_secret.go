// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"regexp"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// foreignCredential flags volumes of Secrets that are somebody else's credentials
// (SA-010).
func foreignCredential() checks.Check {
	return checks.Check{
		ID: "SA-010", Name: "foreign-credential",
		Severity: checks.High, Actions: checks.Actions{Baseline: checks.Warn, Strict: checks.Deny}, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Pods mount no credentials of another identity",
			Why: "A Pod with the token of another ServiceAccount has the permissions of both, and nothing in its spec says so to who reads serviceAccountName. A kubeconfig or a key of a cloud leads out of the cluster. " +
				"Gatehouse reads no Secrets, so it judges by what is known without them: the Secrets that another ServiceAccount of the namespace lists, and names of the form ACCOUNT-token-xxxxx with an account that exists, are high; " +
				"names and keys that say kubeconfig, admin.conf, or a credential of a cloud are medium. Environment variables are not looked at. The token of the Pod's own account is not reported here.",
			Attack:  "acts as the other identity from inside the Pod",
			Fix:     "run the workload as the account whose permissions it needs, and use the workload identity of the cloud instead of a key",
			Exempt:  "A controller that manages other clusters by their kubeconfigs.",
			Sources: []string{accountAdminDocs + "#manual-secret-management-for-serviceaccounts", "https://kubernetes.io/docs/concepts/security/secrets-good-practices/", "https://kubescape.io/docs/controls/c-0255/"},
		},
		Run: onRunners(judgeForeignCredentials),
	}
}

func judgeForeignCredentials(r runner) []checks.Finding {
	var out []checks.Finding
	seen := map[string]bool{}
	look := func(name string, items []corev1.KeyToPath) {
		severity, what := r.credential(name, items)
		if what == "" || seen[name] {
			return
		}
		seen[name] = true
		out = append(out, checks.Finding{
			Severity: severity, Subject: "secret/" + name, Field: r.field + ".volumes", Message: "mounts Secret " + name + ", " + what,
		})
	}
	for i := range r.spec.Volumes {
		v := &r.spec.Volumes[i]
		if v.Secret != nil {
			look(v.Secret.SecretName, v.Secret.Items)
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			if s := v.Projected.Sources[j].Secret; s != nil {
				look(s.Name, s.Items)
			}
		}
	}
	return out
}

// credential says whose credential a Secret is; empty when it is none that is
// known, or the account's own.
func (r *runner) credential(name string, items []corev1.KeyToPath) (checks.Severity, string) {
	if owner := blast.TokenOwner(name); owner != "" && owner != r.account {
		if r.in.Inventory.Entry(inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: r.key.Namespace, Name: owner}) != nil {
			return checks.High, "which by its name is a token of ServiceAccount " + r.key.Namespace + "/" + owner
		}
	}
	if blast.TokenOwner(name) != r.account {
		for sa := range inventory.List[*corev1.ServiceAccount](r.in.Inventory, inventory.ServiceAccountKind, r.key.Namespace) {
			if sa.Name != r.account && blast.Lists(sa, name) && !blast.Lists(r.sa, name) {
				return checks.High, "which belongs to " + inventory.KeyOf(sa).String()
			}
		}
	}
	if keysOut.MatchString(name) {
		return checks.Medium, "which by its name is a credential for outside"
	}
	for i := range items {
		if keysOut.MatchString(items[i].Key) {
			return checks.Medium, "whose key " + items[i].Key + " is by its name a credential for outside"
		}
	}
	return checks.SeverityUnset, ""
}

// keysOut are names by which kubeconfigs and keys of clouds go.
var keysOut = regexp.MustCompile(`(?i)(^|[-_.])kube-?config($|[-_.])|^(admin|super-admin)\.conf$|^(aws|gcp|google|azure|cloud|aliyun|alicloud)[-_.]?(cloud[-_.]?)?(application[-_.]?)?(credentials?|creds|keys?|service[-_.]account)(\.json)?$`)
