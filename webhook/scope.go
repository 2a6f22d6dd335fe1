// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// SystemNamespaces are never judged, whatever their labels say: a cluster must
// be able to heal itself while Gatehouse is down or wrong. The registration
// leaves them out as well.
var SystemNamespaces = []string{"kube-system", "kube-node-lease", "kube-public"}

// scope says how a request is taken.
type scope struct {
	mode    policy.Mode
	profile policy.Profile
	warning string // about the labels themselves
	cluster bool   // the object has no namespace of its own
}

// scopeOf reads the mode from the namespace's labels as the inventory knows
// them. A namespace that the inventory does not hold yet was selected by the
// API server, which knows its labels, so it enforces. Cluster-scoped objects
// have no namespace to opt in with; the policy says how they are taken. A
// Namespace is one of them, though a review names it as its own namespace.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go
func scopeOf(r Review, inv *inventory.Inventory, p *policy.Policy, own string) scope {
	if r.Namespace == "" {
		return scope{mode: p.ClusterMode, cluster: true}
	}
	if slices.Contains(SystemNamespaces, r.Namespace) || r.Namespace == own {
		return scope{mode: policy.Off}
	}
	if r.Kind.GroupKind() == inventory.NamespaceKind {
		return scope{mode: p.ClusterMode, cluster: true}
	}
	ns := inv.Namespace(r.Namespace)
	if ns == nil {
		return scope{mode: policy.Enforce}
	}
	mode, profile, err := policy.ScopeOf(ns.Labels)
	s := scope{mode: mode, profile: profile}
	if err != nil {
		s.warning = "namespace " + r.Namespace + ": " + err.Error()
	}
	return s
}

// anyEnforces reports whether a namespace enforces. What a cluster-scoped object
// does to its workloads is taken in its mode (verdict.ByLabels), so that such an
// object which nobody can judge is refused: filled with entries until it is beyond
// the bounds, it would get past all of them otherwise. It looks at every namespace,
// which only what cannot be judged has to pay.
func anyEnforces(inv *inventory.Inventory) bool {
	modeOf := verdict.ByLabels(inv)
	for e := range inv.Entries(inventory.NamespaceKind, "") {
		if modeOf(e.Key.Name) == policy.Enforce {
			return true
		}
	}
	return false
}
