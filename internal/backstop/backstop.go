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

// Prefix begins the names of all objects. The id of the check follows, in lower
// case, and then what tells the parts of a check apart.
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
// off. A rule that names no expression, or a kind that is not known, is a fault
// of the check; all faults are joined, and nothing is returned then.
func Build(p *policy.Policy, o Options) (Objects, error) {
	var out Objects
	var faults []error
	if o.Namespace == "" {
		return out, errors.New("build backstop: the namespace of Gatehouse is not named")
	}
	if p == nil || p.Set() == nil || p.Parameters == nil {
		return out, errors.New("build backstop: there is no policy")
	}
	for _, c := range p.Set().Checks() {
		if c.Backstop == nil {
			continue
		}
		parts, err := partsOf(c, p.Parameters, o.counting(c.ID, verdict.TermsOf(p)))
		if err != nil {
			faults = append(faults, fmt.Errorf("backstop of %s: %w", c.ID, err))
			continue
		}
		for _, part := range parts {
			bindings := part.bindings(p, o.Namespace)
			if len(bindings) == 0 {
				continue // off
			}
			out.Policies = append(out.Policies, part.policy())
			out.Bindings = append(out.Bindings, bindings...)
		}
	}
	if len(faults) > 0 {
		return Objects{}, errors.Join(faults...)
	}
	slices.SortFunc(out.Policies, func(a, b admissionregistrationv1.ValidatingAdmissionPolicy) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Bindings, func(a, b admissionregistrationv1.ValidatingAdmissionPolicyBinding) int {
		return cmp.Compare(a.Name, b.Name)
	})
	return out, nil
}

// CheckOf returns the id of the check that a policy object of the backstop is
// made of; "" for any other name.
func CheckOf(policyName string) string {
	rest, ours := strings.CutPrefix(policyName, Prefix)
	words := strings.SplitN(rest, "-", 3)
	if !ours || len(words) < 2 {
		return ""
	}
	return strings.ToUpper(words[0] + "-" + words[1])
}

// part is what becomes one policy: the rules of a check that have the same
// severity, certainty, scope and params, and so the same actions.
type part struct {
	check   checks.Check
	key     partKey
	kinds   []inventory.Kind // of all rules, each once
	rules   []rule
	created bool // some rule is about creations, too

	exemptions []exempt.Exemption // that name the check and count
}

type partKey struct {
	severity  checks.Severity
	certainty checks.Certainty
	each      schema.GroupVersionKind
	cluster   bool
}

// rule is a rule of the check for the kinds of one scope.
type rule struct {
	checks.BackstopRule
	kinds []inventory.Kind
}

// partsOf sorts the rules of a check into parts, in the order of the rules.
func partsOf(c checks.Check, p *checks.Parameters, exemptions []exempt.Exemption) ([]*part, error) {
	var out []*part
	var faults []error
	for i, r := range c.Backstop.Rules(p) {
		if (r.Faults == "") == (r.Step == "") {
			faults = append(faults, fmt.Errorf("rule %d: not exactly one of faults and step is given", i))
			continue
		}
		if r.Severity == checks.SeverityUnset {
			r.Severity = c.Severity
		}
		if len(r.Kinds) == 0 {
			r.Kinds = c.Kinds
		}
		for _, cluster := range []bool{false, true} {
			kinds, err := scoped(c, r.Kinds, cluster)
			if err != nil {
				faults = append(faults, fmt.Errorf("rule %d: %w", i, err))
				break
			}
			if len(kinds) > 0 {
				out = place(out, c, partKey{r.Severity, r.Certainty, r.Each, cluster}, rule{r, kinds})
			}
		}
	}
	for _, p := range out {
		p.exemptions = exemptions
	}
	return out, errors.Join(faults...)
}

// scoped are the kinds of one scope, in the inventory's words.
func scoped(c checks.Check, kinds []schema.GroupKind, cluster bool) ([]inventory.Kind, error) {
	var out []inventory.Kind
	for _, gk := range kinds {
		k, known := inventory.KindOf(gk)
		if !known || !slices.Contains(c.Kinds, gk) {
			return nil, fmt.Errorf("kind %s is not one that the check judges", gk)
		}
		if k.Namespaced != cluster {
			out = append(out, k)
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
	p.created = p.created || r.Faults != ""
	for _, k := range r.kinds {
		if !slices.ContainsFunc(p.kinds, func(o inventory.Kind) bool { return o.GroupKind == k.GroupKind }) {
			p.kinds = append(p.kinds, k)
		}
	}
	return parts
}

// name tells the parts of a check apart. It depends on no parameter, so that a
// change of the CheckPolicy replaces objects in place.
func (p *part) name() string {
	words := []string{Prefix + strings.ToLower(p.check.ID)}
	if p.key.severity != p.check.Severity {
		words = append(words, p.key.severity.String())
	}
	if p.key.certainty != checks.Violation {
		words = append(words, p.key.certainty.String())
	}
	if !p.key.each.Empty() {
		words = append(words, "by", strings.ToLower(p.key.each.Kind))
	}
	if p.key.cluster {
		words = append(words, "cluster")
	}
	return strings.Join(words, "-")
}

func objectLabels() map[string]string {
	return map[string]string{"app.kubernetes.io/part-of": "gatehouse", ComponentLabel: Component}
}

func objectMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Labels: objectLabels()}
}
