// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// policyTarget is what a policy of the bundled gateway is for: an object, and where
// section is not empty that listener or rule of it.
type policyTarget struct {
	of      inventory.Key
	section string
}

// guards answers for what there are AccessPolicies. Whether one is in force somewhere
// follows from their targets alone: where the gateway puts one policy in the place of
// another, or cannot keep one, something still guards.
// docs/gateway-policies.md (Floors, When something is wrong)
type guards struct {
	inv *inventory.Inventory
	at  map[string]map[policyTarget]bool // by namespace
}

func guardsOf(in checks.Input) *guards {
	return &guards{inv: in.Inventory, at: map[string]map[policyTarget]bool{}}
}

// has reports whether an AccessPolicy is for an object, or for the section of it; a
// policy is of the namespace of what it is for.
func (g *guards) has(of inventory.Key, section string) bool {
	targets, read := g.at[of.Namespace]
	if !read {
		targets = map[policyTarget]bool{}
		for e := range g.inv.Entries(inventory.AccessPolicyKind, of.Namespace) {
			for _, t := range policyTargets(e.Object) {
				targets[t] = true
			}
		}
		g.at[of.Namespace] = targets
	}
	return targets[policyTarget{of: of}] || section != "" && targets[policyTarget{of, section}]
}

// policyTargets reads spec.targetRefs of a policy.
func policyTargets(o inventory.Object) []policyTarget {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	var out []policyTarget
	for _, found := range inventory.Walk(u.Object, "spec.targetRefs[]") {
		ref, ok := found.Value.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string {
			s, _ := ref[key].(string)
			return s
		}
		out = append(out, policyTarget{inventory.Key{
			Kind: schema.GroupKind{Group: text("group"), Kind: text("kind")}, Namespace: o.GetNamespace(), Name: text("name"),
		}, text("sectionName")})
	}
	return out
}
