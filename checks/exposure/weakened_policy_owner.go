// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// collectors delete what is owned once its owners are gone. With one credential for all
// controllers it is the controller manager.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
var collectors = []string{"system:serviceaccount:kube-system:generic-garbage-collector", "system:kube-controller-manager"}

// collected reports whether a deletion is that of an object whose owner is gone: whoever
// wrote the object said that it goes with him.
func collected(in checks.Input) bool {
	return slices.Contains(collectors, in.Request.User) && len(in.Object.GetOwnerReferences()) > 0
}

// newOwners reports the owners that a policy gets by an update: whoever may delete one of
// them could have it deleted. A UID by another name is another owner: the collector looks
// for it by the name, finds nothing, and takes the owner for gone.
// https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents
func newOwners(old, current inventory.Object) []checks.Finding {
	var out []checks.Finding
	had := old.GetOwnerReferences()
	for _, ref := range current.GetOwnerReferences() {
		if slices.ContainsFunc(had, func(o metav1.OwnerReference) bool { return sameOwner(o, ref) }) {
			continue
		}
		out = append(out, checks.Finding{
			Subject: "owner/" + ref.Kind + "/" + ref.Name, Field: "metadata.ownerReferences",
			Message: "has it deleted together with " + ref.Kind + " " + ref.Name + ", which becomes its owner",
		})
	}
	return out
}

// sameOwner compares what the collector looks an owner up by. The version is none of it: an
// API is served in several, and controllers move to the next.
func sameOwner(a, b metav1.OwnerReference) bool {
	group := func(ref metav1.OwnerReference) string {
		before, _, grouped := strings.Cut(ref.APIVersion, "/")
		if !grouped {
			return ""
		}
		return before
	}
	return group(a) == group(b) && a.Kind == b.Kind && a.Name == b.Name && a.UID == b.UID
}
