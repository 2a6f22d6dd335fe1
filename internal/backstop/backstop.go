// SPDX-License-Identifier: Apache-2.0

// Package backstop turns the parts of the checks that CEL can express into
// ValidatingAdmissionPolicies with their bindings. The API server enforces them by
// itself, so that these rules hold while the webhook is down.
//
// It is pure: a policy goes in, objects come out. The command line writes them as
// YAML, and manifests/backstop is made by it from the defaults. It installs
// nothing, and the webhook does not know of it.
package backstop

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Prefix begins the names of all objects. What the policy does follows, as in
// "gatehouse-backstop-warn-deny": the action in the baseline and in the strict
// profile where they differ, and then what else tells policies apart.
const Prefix = "gatehouse-backstop-"

// ComponentLabel and Component select all objects of the backstop, so that one
// kubectl line removes them.
const (
	ComponentLabel = "app.kubernetes.io/component"
	Component      = "backstop"
)

// Options tune Build.
type Options struct {
	// Namespace is where Gatehouse runs; it is never judged. Required.
	Namespace string

	// Only names the checks that are wanted, by id; nil: every check.
	Only []string

	// Exemptions are written into the policies when they count at the moment Now;
	// nil: none.
	Exemptions *exempt.Set
	Now        time.Time
}

// Objects is a backstop. Policies and bindings are ordered by name.
type Objects struct {
	Policies []admissionregistrationv1.ValidatingAdmissionPolicy
	Bindings []admissionregistrationv1.ValidatingAdmissionPolicyBinding
}

// Build makes the backstop of every check of a policy that has one and is not
// off. Checks that are treated alike share a policy, for each policy costs the API
// server a conversion of the object. A rule that names no expression, or a kind
// that is not known, is a fault of the check; all faults are joined, and nothing
// is returned then.
func Build(p *policy.Policy, o Options) (Objects, error) {
	if o.Namespace == "" {
		return Objects{}, errors.New("build backstop: the namespace of Gatehouse is not named")
	}
	if p == nil || p.Set() == nil || p.Parameters == nil {
		return Objects{}, errors.New("build backstop: there is no policy")
	}
	var groups []*group
	var faults []error
	for _, c := range p.Set().Checks() {
		if c.Backstop == nil || o.Only != nil && !slices.Contains(o.Only, c.ID) {
			continue
		}
		parts, err := partsOf(c, p.Parameters, o.counting(c.ID, verdict.TermsOf(p)))
		if err != nil {
			faults = append(faults, fmt.Errorf("backstop of %s: %w", c.ID, err))
			continue
		}
		for _, part := range parts {
			groups = join(groups, part, p)
		}
	}
	if len(faults) > 0 {
		return Objects{}, errors.Join(faults...)
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.name(), b.name()) })
	var out Objects
	for _, g := range groups {
		out.Policies = append(out.Policies, g.policy())
		out.Bindings = append(out.Bindings, g.bindings(o.Namespace)...)
	}
	return out, nil
}

// group is what becomes one policy: parts that are treated alike.
type group struct {
	key   groupKey
	parts []*part
	kinds []inventory.Kind // of all parts, each once
}

type groupKey struct {
	baseline, strict checks.Action // in enforced namespaces; of cluster-scoped objects both are the one action
	each             schema.GroupVersionKind
	family           family
	custom           string // id of the custom check that has a policy of its own; empty for others
	onStatus         bool
	cluster          bool
}

// join adds a part to its group, unless the policy turns it off.
func join(groups []*group, p *part, rules *policy.Policy) []*group {
	key := groupKey{each: p.key.each, family: p.key.family, custom: p.key.custom, onStatus: p.check.OnStatus, cluster: p.key.cluster}
	if key.cluster {
		key.baseline = p.action(rules, rules.ClusterMode, policy.Baseline)
		key.strict = key.baseline
	} else {
		key.baseline, key.strict = p.action(rules, policy.Enforce, policy.Baseline), p.action(rules, policy.Enforce, policy.Strict)
	}
	if key.baseline == checks.Ignore && key.strict == checks.Ignore {
		return groups
	}
	at := slices.IndexFunc(groups, func(g *group) bool { return g.key == key })
	if at < 0 {
		at = len(groups)
		groups = append(groups, &group{key: key})
	}
	g := groups[at]
	g.parts = append(g.parts, p)
	g.kinds = appendKinds(g.kinds, p.kinds)
	return groups
}

// appendKinds adds the kinds that are not in the list.
func appendKinds(list, more []inventory.Kind) []inventory.Kind {
	for _, k := range more {
		if !slices.ContainsFunc(list, func(o inventory.Kind) bool { return o.GroupKind == k.GroupKind }) {
			list = append(list, k)
		}
	}
	return list
}

// name says what the policy does.
func (g *group) name() string {
	name := Prefix + g.key.baseline.String()
	if g.key.strict != g.key.baseline {
		name += "-" + g.key.strict.String()
	}
	if g.key.family != "" {
		name += "-" + string(g.key.family)
	}
	if g.key.custom != "" {
		name += "-" + strings.ToLower(g.key.custom)
	}
	if g.key.onStatus {
		name += "-status"
	}
	if !g.key.each.Empty() {
		name += "-by-" + strings.ToLower(g.key.each.Kind)
	}
	if g.key.cluster {
		name += "-cluster"
	}
	return name
}

func objectLabels() map[string]string {
	return map[string]string{"app.kubernetes.io/part-of": "gatehouse", ComponentLabel: Component}
}

func objectMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: objectLabels()}
}
