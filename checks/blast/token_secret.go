// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Tokens that stand in Secrets. A pod may hold one of any ServiceAccount of its
// namespace, whatever account it runs as. Secrets are no part of what is kept of a
// cluster: one is known in files and when it is judged itself, and else by an
// account that lists it under a name that Kubernetes gave.
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#manual-secret-management-for-serviceaccounts

// TokenOwner returns the account in the name that Kubernetes before 1.24 gave to
// the Secrets of tokens, "web-token-x2k9f"; empty for any other name.
// https://github.com/kubernetes/kubernetes/blob/v1.23.0/pkg/controller/serviceaccount/tokens_controller.go
func TokenOwner(secret string) string {
	at := strings.LastIndex(secret, "-token-")
	if at < 0 || !tokenNames.MatchString(secret) {
		return ""
	}
	return secret[:at]
}

var tokenNames = regexp.MustCompile(`^.+-token-[a-z0-9]{5}$`)

// Lists reports whether a ServiceAccount, which may be nil, names a Secret as its
// own.
func Lists(sa *corev1.ServiceAccount, secret string) bool {
	return sa != nil && slices.ContainsFunc(sa.Secrets, func(r corev1.ObjectReference) bool { return r.Name == secret })
}

// held is a token in a Secret.
type held struct{ secret, account string }

// tokensOf returns the tokens that the pods of a workload take from Secrets, by
// the name of the Secret.
func (j *judge) tokensOf(w *inventory.Workload) []held {
	var out []held
	eachSecret(w.Spec, func(secret string) {
		if account := j.accountOf(w.Key.Namespace, secret); account != "" && !slices.Contains(out, held{secret, account}) {
			out = append(out, held{secret, account})
		}
	})
	slices.SortFunc(out, func(a, b held) int { return strings.Compare(a.secret, b.secret) })
	return out
}

// accountOf returns the account whose token a Secret holds; empty when it holds
// none that is known.
func (j *judge) accountOf(namespace, secret string) string {
	if s, known := inventory.Get[*inventory.Secret](j.inv, inventory.SecretKind, namespace, secret); known {
		return accountIn(s)
	}
	owner := TokenOwner(secret)
	if owner == "" {
		return ""
	}
	if sa, _ := inventory.Get[*corev1.ServiceAccount](j.inv, inventory.ServiceAccountKind, namespace, owner); !Lists(sa, secret) {
		return ""
	}
	return owner
}

func accountIn(s *inventory.Secret) string {
	if s.Type != corev1.SecretTypeServiceAccountToken {
		return ""
	}
	return s.Annotations[corev1.ServiceAccountNameKey]
}

// secretsOf returns the Secrets that hold a token of an account.
func (j *judge) secretsOf(a account) []string {
	var out []string
	for s := range inventory.List[*inventory.Secret](j.inv, inventory.SecretKind, a.namespace) {
		if s.Namespace == a.namespace && accountIn(s) == a.name {
			out = append(out, s.Name)
		}
	}
	if sa, known := inventory.Get[*corev1.ServiceAccount](j.inv, inventory.ServiceAccountKind, a.namespace, a.name); known {
		for i := range sa.Secrets {
			if name := sa.Secrets[i].Name; j.accountOf(a.namespace, name) == a.name {
				out = append(out, name)
			}
		}
	}
	return out
}

// holding adds the chains to the workloads that take a token of an account from
// one of these Secrets. Those that run as the account are left to running.
func (j *judge) holding(out []*hazard, a account, secrets []string, keep func(harm) (harm, bool)) []*hazard {
	if len(secrets) == 0 {
		return out
	}
	for w := range j.workloads(a.namespace) {
		if w.Spec == nil || w.Key.Namespace != a.namespace || w.ServiceAccount() == a.name {
			continue
		}
		holds := false
		eachSecret(w.Spec, func(secret string) { holds = holds || slices.Contains(secrets, secret) })
		if holds {
			out = j.add(out, target{w, j.doorsOf(w)}, keep)
		}
	}
	return out
}

// ofSecret adds the chains to the workloads that take a token from a Secret.
func (j *judge) ofSecret(s *inventory.Secret) []*hazard {
	a := account{s.Namespace, accountIn(s)}
	if a.name == "" {
		return nil
	}
	keep := func(h harm) (harm, bool) { return h, h.secret == s.Name }
	return j.running(nil, a, keep)
}

// eachSecret visits the Secrets whose key "token" the containers of a pod can
// read, some more than once.
func eachSecret(s *corev1.PodSpec, visit func(name string)) {
	for i := range s.Volumes {
		if v := s.Volumes[i].Secret; v != nil && showsToken(v.Items) {
			visit(v.SecretName)
		}
		if p := s.Volumes[i].Projected; p != nil {
			for j := range p.Sources {
				if v := p.Sources[j].Secret; v != nil && showsToken(v.Items) {
					visit(v.Name)
				}
			}
		}
	}
	env := func(from []corev1.EnvFromSource, single []corev1.EnvVar) {
		for i := range from {
			if from[i].SecretRef != nil {
				visit(from[i].SecretRef.Name)
			}
		}
		for i := range single {
			if f := single[i].ValueFrom; f != nil && f.SecretKeyRef != nil && f.SecretKeyRef.Key == corev1.ServiceAccountTokenKey {
				visit(f.SecretKeyRef.Name)
			}
		}
	}
	for i := range s.InitContainers {
		env(s.InitContainers[i].EnvFrom, s.InitContainers[i].Env)
	}
	for i := range s.Containers {
		env(s.Containers[i].EnvFrom, s.Containers[i].Env)
	}
	for i := range s.EphemeralContainers {
		env(s.EphemeralContainers[i].EnvFrom, s.EphemeralContainers[i].Env)
	}
}

// showsToken reports whether a volume of some keys, or of all when there are none,
// has the one in which Kubernetes writes a token.
func showsToken(items []corev1.KeyToPath) bool {
	return len(items) == 0 || slices.ContainsFunc(items, func(k corev1.KeyToPath) bool { return k.Key == corev1.ServiceAccountTokenKey })
}
