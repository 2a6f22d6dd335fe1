// SPDX-License-Identifier: Apache-2.0

// Package guard describes the rules by which Gatehouse protects itself and which
// are no checks: they judge who asks, or watch what admission is not asked about,
// so a CheckPolicy cannot soften them and an Exemption cannot cover them. The
// webhook and the controller enforce them; `gatehouse explain` and the pages of
// the checks tell of them. SELF-005 is a check and not here.
package guard

import (
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Guard is one rule.
type Guard struct {
	ID   string // "SELF-001"
	Name string // "opt-out": lower case, explains itself

	// Answer is what Gatehouse does: one clause without a final stop.
	Answer string

	// See names the file below docs, or at the root, that says more.
	See string

	Doc checks.Doc
}

// Lookup finds a guard by its id or name, in any case.
func Lookup(name string) (Guard, bool) {
	for _, g := range All() {
		if strings.EqualFold(g.ID, name) || strings.EqualFold(g.Name, name) {
			return g, true
		}
	}
	return Guard{}, false
}

// All returns the guards, ordered by id.
func All() []Guard {
	return []Guard{
		{
			ID: "SELF-001", Name: "opt-out", See: "docs/operations.md", Answer: "the webhook refuses the update of the namespace",
			Doc: checks.Doc{
				Title: "Nobody takes a namespace out of admission in passing",
				Why: "Whoever may edit a namespace may edit its labels, and two of them say whether its objects are judged and how strictly. Lowering either needs membership in one of the groups of the webhook's --guard-groups, system:masters by default, and the annotation gatehouse.sh/opt-out-reason in the same update. " +
					"Raising them is free. While the webhook is down such an update is refused, too; those of system namespaces and of the namespace of Gatehouse never are.",
				Attack: "the namespace is labelled out of admission, changed, and labelled back",
				Fix:    "keep the labels, or let a member of the groups lower them with a reason",
				Sources: []string{
					"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
					"https://open-policy-agent.github.io/gatekeeper/website/docs/exempt-namespaces/",
				},
			},
		},
		{
			ID: "SELF-002", Name: "exemption", See: "docs/exemptions.md", Answer: "the webhook refuses the Exemption, and one that was written past it does not count",
			Doc: checks.Doc{
				Title: "Exemptions are written by those who may give them, and reach no further than their namespace",
				Why: "An Exemption in the namespace of Gatehouse counts everywhere. One in another namespace counts for objects of that namespace only, and needs to be written by a member of spec.exemptions.approvers of the CheckPolicy: writing it is the approval. " +
					"One with a fault, or that ends later than the policy allows, is refused wherever it is.",
				Attack: "a tenant exempts its own objects, or those of others, from every check",
				Fix:    "ask an approver to apply the Exemption, or write it in the namespace of Gatehouse",
				Sources: []string{
					"https://github.com/kyverno/kyverno/security/advisories/GHSA-qjvc-p88j-j9rm",
				},
			},
		},
		{
			ID: "SELF-003", Name: "registration-tampered", See: "docs/background.md", Answer: "the controller tells, by an Event and the metric gatehouse_registration_tampered; it writes nothing back",
			Doc: checks.Doc{
				Title: "The webhook registration is the one that this version registers",
				Why: "The API server asks no webhook about changes of webhook configurations, so whoever may write them can switch admission off, for everything or for one kind. The controller compares the registration with what it should be every two seconds: webhooks that are missing or added, the Service or URL, failurePolicy, matchPolicy, selectors, rules, match conditions and a missing caBundle. " +
					"Timeouts are yours to choose.",
				Attack: "requests are no longer judged, and nothing looks different",
				Fix:    "apply the registration of the version that runs, and take the right to write webhook configurations from whoever changed it",
				Sources: []string{
					"https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
					"https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/",
				},
			},
		},
		{
			ID: "SELF-004", Name: "own-rights", See: "SECURITY.md", Answer: "a test of Gatehouse fails before a version with more rights can be released",
			Doc: checks.Doc{
				Title: "Gatehouse's own ServiceAccounts have few rights, and each dangerous one is written down",
				Why: "What guards a cluster is worth attacking. The roles in the manifests are judged by the checks of this catalogue: none may be denied, and what is warned of or recorded stands in SECURITY.md with the reason why it is needed. " +
					"What each account can do in the end, with the roles that every cluster has and whomever it could become, is listed there as well. No account reads Secrets but the webhook's own, by name.",
				Attack: "a fault in Gatehouse is as bad as one in the control plane",
				Fix:    "do not bind further roles to the accounts of Gatehouse",
				Sources: []string{
					"https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
				},
			},
		},
	}
}
