// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"errors"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// part is what becomes one validation: the rules of a check that have the same
// severity, certainty, scope and params.
type part struct {
	check checks.Check
	key   partKey
	kinds []inventory.Kind // of all rules, each once
	rules []rule

	exemptions []exempt.Exemption // that name the check and count
}

type partKey struct {
	severity  checks.Severity
	certainty checks.Certainty
	each      schema.GroupVersionKind
	family    family
	custom    string // groupKey.custom
	cluster   bool
}

// family is a sort of objects whose policies are no others': a policy costs every
// object that it matches, and nobody wants to pay for roles when writing Services.
// The zero value is everything else.
type family string

const (
	ofAccess   family = "rbac"
	ofAccounts family = "accounts"
)

// familyOf returns the family of a kind.
func familyOf(gk schema.GroupKind) family {
	switch {
	case gk.Group == rbacv1.GroupName:
		return ofAccess
	case gk == inventory.ServiceAccountKind, gk == inventory.SecretKind:
		return ofAccounts
	}
	return ""
}

// rule is a rule of the check for the kinds of one scope.
type rule struct {
	checks.BackstopRule
	kinds []inventory.Kind
}

// partsOf sorts the rules of a check into parts, in the order of the rules.
func partsOf(c checks.Check, p *checks.Parameters, exemptions []exempt.Exemption) ([]*part, error) {
	if c.Backstop.Policy != nil {
		return customParts(c, exemptions)
	}
	var out []*part
	var faults []error
	for i, r := range c.Backstop.Rules(p) {
		if given := slices.DeleteFunc([]string{r.Faults, r.Step, r.Added}, func(e string) bool { return e == "" }); len(given) != 1 {
			faults = append(faults, fmt.Errorf("rule %d: not exactly one of faults, step and added is given", i))
			continue
		}
		if r.Severity == checks.SeverityUnset {
			r.Severity = c.Severity
		}
		if len(r.Kinds) == 0 {
			r.Kinds = c.Kinds
		}
		places, err := scoped(c, r.Kinds)
		if err != nil {
			faults = append(faults, fmt.Errorf("rule %d: %w", i, err))
			continue
		}
		for _, at := range places {
			out = place(out, c, partKey{severity: r.Severity, certainty: r.Certainty, each: r.Each, family: at.family, cluster: at.cluster}, rule{r, at.kinds})
		}
	}
	for _, p := range out {
		p.exemptions = exemptions
	}
	return out, errors.Join(faults...)
}

// where is what tells the kinds of a rule apart: one part has those of one family
// and one scope.
type where struct {
	family  family
	cluster bool
	kinds   []inventory.Kind
}

// scoped sorts kinds, in the inventory's words: those with a namespace come first.
func scoped(c checks.Check, kinds []schema.GroupKind) ([]where, error) {
	var out []where
	for _, cluster := range []bool{false, true} {
		for _, gk := range kinds {
			k, known := inventory.KindOf(gk)
			if !known || !slices.Contains(c.Kinds, gk) {
				return nil, fmt.Errorf("kind %s is not one that the check judges", gk)
			}
			if k.Namespaced == cluster {
				continue
			}
			at := slices.IndexFunc(out, func(w where) bool { return w.family == familyOf(gk) && w.cluster == cluster })
			if at < 0 {
				at = len(out)
				out = append(out, where{family: familyOf(gk), cluster: cluster})
			}
			out[at].kinds = append(out[at].kinds, k)
		}
	}
	return out, nil
}

// place adds a rule to its part.
func place(parts []*part, c checks.Check, key partKey, r rule) []*part {
	at := slices.IndexFunc(parts, func(p *part) bool { return p.key == key })
	if at < 0 {
		at = len(parts)
		parts = append(parts, &part{check: c, key: key})
	}
	p := parts[at]
	p.rules = append(p.rules, r)
	p.kinds = appendKinds(p.kinds, r.kinds)
	return parts
}
