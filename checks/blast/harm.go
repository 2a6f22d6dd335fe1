// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// term is what makes a workload able to do harm.
type term uint8

const (
	byAccount  term = iota // what its ServiceAccount may do, with a token in the pod
	unmounted              // the same without a token in the pod
	byIdentity             // the cloud identity of its ServiceAccount
	byEscape               // getting out of its containers
)

// harm is one thing that a workload can do. Its words are made when it is told.
type harm struct {
	term      term
	severity  checks.Severity
	certainty checks.Certainty
	account   inventory.Key
	secret    string        // that holds the token, of byAccount; empty: the pod is given one
	effect    *power.Effect // of byAccount and unmounted
	steps     []power.Step  // of byAccount and unmounted: never empty
	parts     []part        // of the others: never empty
	unless    string        // what a message adds when something is not known
}

// part is one thing that a harm is made up of: one more makes it worse.
type part struct {
	trait string
	can   string   // "act outside the cluster as ...", after "may"
	path  []string // what follows the account, or the workload, in the chain
}

// traits are the parts by name, ordered: of an account every power that counts,
// and every namespace whose accounts can be taken.
func (h *harm) traits() []string {
	var out []string
	for i := range h.parts {
		out = append(out, h.parts[i].trait)
	}
	if h.effect != nil {
		for i := range h.effect.Direct {
			if held := &h.effect.Direct[i]; held.Severity >= atLeast {
				out = append(out, heldTrait(held))
			}
		}
		for _, namespace := range h.effect.Reaches {
			out = append(out, becomes+namespace)
		}
		if h.effect.Everyone {
			out = append(out, becomes)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// becomes begins the traits that name the namespaces whose accounts one can
// become; alone it means all of them.
const becomes = "becomes/"

func heldTrait(h *power.Held) string { return h.Power.ID + "/" + h.Grant.Namespace }

// about makes the harm be told by one of its traits.
func (h *harm) about(trait string) {
	for i := range h.parts {
		if h.parts[i].trait == trait {
			h.parts = append([]part{h.parts[i]}, slices.Delete(slices.Clone(h.parts), i, i+1)...)
			return
		}
	}
	if h.effect == nil {
		return
	}
	for i := range h.effect.Direct {
		if held := &h.effect.Direct[i]; heldTrait(held) == trait {
			h.steps = []power.Step{{Subject: h.effect.Subject, Held: *held}}
			return
		}
	}
}

// told returns what the workload may do, and what follows the account, or the
// workload, in the chain.
func (h *harm) told() (can string, path []string) {
	if len(h.steps) == 0 {
		return h.parts[0].can, h.parts[0].path
	}
	last := h.steps[len(h.steps)-1]
	can = last.Held.Power.Can + place(last.Held.Grant.Namespace)
	if len(h.steps) > 1 {
		can = "become " + last.Subject.String() + ", which may " + can
	}
	for i, s := range h.steps {
		if i > 0 {
			path = append(path, s.Subject.String())
		}
		g := s.Held.Grant
		if g.Subject.Kind == "Group" {
			path = append(path, "Group "+g.Subject.Name)
		}
		path = append(path, g.Binding.String(), g.Role.String())
	}
	return can, path
}

func place(namespace string) string {
	if namespace == "" {
		return " in the whole cluster"
	}
	return " in namespace " + namespace
}

// atLeast is the severity from which on a permission counts as a privilege.
const atLeast = checks.Medium

// harmsOf returns what a workload can do, at most one harm of each term for
// an account. The slice is valid until the next call.
func (j *judge) harmsOf(w *inventory.Workload) []harm {
	account := inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: w.Key.Namespace, Name: w.ServiceAccount()}
	sa, _ := inventory.Get[*corev1.ServiceAccount](j.inv, inventory.ServiceAccountKind, account.Namespace, account.Name)
	out := j.harms[:0]
	if e := j.effectOf(account); e.Severity >= atLeast {
		out = append(out, harm{severity: e.Severity, account: account, effect: e, steps: e.Steps})
		out[len(out)-1].mount(w, sa)
	}
	out = j.taken(out, w, account)
	if h, has := cloudIdentity(sa); has {
		h.account = account
		out = append(out, h)
	}
	if h, has := escape(w); has {
		out = append(out, h)
	}
	j.harms = out
	return out
}

// taken adds what a workload can do by tokens that it takes from Secrets: as other
// accounts, and as its own, for which own stands, when it is given no token.
func (j *judge) taken(out []harm, w *inventory.Workload, own inventory.Key) []harm {
	for _, t := range j.tokensOf(w) {
		account := inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: own.Namespace, Name: t.account}
		i := slices.IndexFunc(out, func(h harm) bool { return h.account == account })
		switch {
		case i < 0:
			if e := j.effectOf(account); e.Severity >= atLeast {
				out = append(out, harm{severity: e.Severity, account: account, secret: t.secret, effect: e, steps: e.Steps})
			}
		case out[i].term == unmounted || out[i].certainty != checks.Violation:
			out[i].term, out[i].certainty, out[i].unless, out[i].secret = byAccount, checks.Violation, "", t.secret
		}
	}
	return out
}

// effectOf is power.EffectiveAccount. The last answer is remembered, for an account
// has several workloads.
func (j *judge) effectOf(account inventory.Key) *power.Effect {
	switch {
	case j.effect != nil && j.account == account:
		return j.effect
	case j.survey != nil:
		j.effect = j.survey.Effective(account.Namespace, account.Name)
	default:
		j.effect = power.EffectiveAccount(authz.Over(j.inv), account.Namespace, account.Name)
	}
	j.account = account
	return j.effect
}

// mount decides whether the pods hold a token of their account.
//
// An account that the inventory does not hold may say that they do not. Its pods
// cannot start before it exists, and when it comes it is judged; so this is no
// violation yet. "default" is made by Kubernetes in every namespace.
func (h *harm) mount(w *inventory.Workload, sa *corev1.ServiceAccount) {
	switch auto := w.Spec.AutomountServiceAccountToken; {
	case projectsToken(w.Spec):
	case auto != nil && *auto:
	case auto != nil:
		h.term = unmounted
	case sa != nil && sa.AutomountServiceAccountToken != nil && !*sa.AutomountServiceAccountToken:
		h.term = unmounted
	case sa == nil && h.account.Name != "default":
		h.certainty = checks.Undetermined
		h.unless = ", unless " + h.account.String() + ", which is not known here, mounts no token"
	}
}

// foreign are audiences of tokens that the API server does not take: those that
// clouds exchange for credentials of their own.
// https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
// https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
var foreign = []string{"sts.amazonaws.com", "pods.eks.amazonaws.com", "api://AzureADTokenExchange", "sts.aliyuncs.com"}

// projectsToken reports whether a volume of the pod holds a token for the API
// server. The API server gives one to every pod that mounts its token; a pod may
// also ask for one.
func projectsToken(s *corev1.PodSpec) bool {
	for i := range s.Volumes {
		p := s.Volumes[i].Projected
		if p == nil {
			continue
		}
		for j := range p.Sources {
			t := p.Sources[j].ServiceAccountToken
			if t != nil && !slices.Contains(foreign, t.Audience) && !strings.HasPrefix(t.Audience, "https://iam.googleapis.com/") {
				return true
			}
		}
	}
	return false
}

// identities are the annotations by which a ServiceAccount gets an identity of a
// cloud, and what it is called there, ordered by annotation.
var identities = []struct{ annotation, is string }{
	{"azure.workload.identity/client-id", "Azure client"},
	{"eks.amazonaws.com/role-arn", "AWS IAM role"},
	{"iam.gke.io/gcp-service-account", "Google Cloud service account"},
	{"oci.oraclecloud.com/workload-identity-id", "Oracle Cloud workload identity"},
	{"pod-identity.alibabacloud.com/role-name", "Alibaba Cloud RAM role"},
}

// cloudIdentity reads the annotations. What a cloud lets the identity do no
// object says; it weighs as much as a permission that counts, and one degree
// more when the internet reaches it (weigh).
func cloudIdentity(sa *corev1.ServiceAccount) (harm, bool) {
	h := harm{term: byIdentity, severity: checks.Medium}
	for _, i := range Identities(sa) {
		who := i.Is + " " + i.Value
		h.parts = append(h.parts, part{i.Annotation + "=" + i.Value, "act outside the cluster as the " + who, []string{who}})
	}
	return h, len(h.parts) > 0
}

// compareHarm puts the worse first.
func compareHarm(a, b *harm) int {
	return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.certainty, b.certainty), cmp.Compare(a.term, b.term), a.account.Compare(b.account))
}
