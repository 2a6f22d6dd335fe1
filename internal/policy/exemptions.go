// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// Exemptions bounds the exemptions of a cluster. The zero value lets none count.
type Exemptions struct {
	// Approvers are the groups whose members may write exemptions outside the
	// namespace of Gatehouse; none: nobody may.
	Approvers []string

	// MaxDuration is how far away the end of an exemption may be.
	MaxDuration metav1.Duration
}

func defaultExemptions() Exemptions {
	return Exemptions{MaxDuration: metav1.Duration{Duration: v1alpha1.DefaultExemptionDuration}}
}

// everybody are groups that are no restriction.
var everybody = []string{"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}

func compileExemptions(f *faults, at string, in v1alpha1.ExemptionRules) Exemptions {
	out := defaultExemptions()
	if f.atMost(at+".approvers", len(in.Approvers), maxFew) {
		seen := map[string]bool{}
		for i, g := range in.Approvers {
			name, at := string(g), index(at+".approvers", i)
			once(f, at, seen, name, quote(name))
			group(f, at, name)
			out.Approvers = append(out.Approvers, name)
		}
	}
	if in.MaxDuration != nil {
		out.MaxDuration = *in.MaxDuration
		if d := in.MaxDuration.Duration; d < v1alpha1.MinExemptionDuration || d > v1alpha1.MaxExemptionDuration {
			f.add(at+".maxDuration", "%s is not in 1h to 8784h", d)
		}
	}
	return out
}

func group(f *faults, at, v string) {
	if slices.Contains(everybody, v) {
		f.add(at, "%s is a group that everybody is in", quote(v))
		return
	}
	username(f, at, v)
}
