// SPDX-License-Identifier: Apache-2.0

// Package lint finds what is probably not meant in existing policies: those that
// select nobody, cut pods off from the name servers, allow on one side what the
// other refuses, or what another policy denies, say the same in part, or could be left out. It asks generator/verify and knows no
// dialect. It does not say whether policies are what an application needs; that is
// a comparison with a model (verify.Compare).
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Kind says what is wrong. The zero value is none.
type Kind uint8

// The kinds of findings.
const (
	SelectsNothing Kind = 1 + iota // no known workload is selected by the policy
	NamesNobody                    // a peer of a rule is no known workload
	DNSBlocked                     // pods cannot ask the name servers
	OneSided                       // a rule allows what the other side refuses
	Redundant                      // without the policy the same would be allowed
	Shadowed                       // without the rule the same would be allowed
	Overlapping                    // two policies allow the same in part
	Contradictory                  // a rule allows what another denies before it, or at the same priority
)

var kinds = [...]string{
	SelectsNothing: "selects-nothing", NamesNobody: "names-nobody", DNSBlocked: "dns-blocked", OneSided: "one-sided", Redundant: "redundant", Shadowed: "shadowed",
	Overlapping: "overlapping", Contradictory: "contradictory",
}

// String returns the kind in one word.
func (k Kind) String() string {
	if int(k) < len(kinds) && kinds[k] != "" {
		return kinds[k]
	}
	return "no finding"
}

// Finding is one thing that is probably not meant.
type Finding struct {
	Kind   Kind
	Policy string // its name, as the policy has it
	Rule   string // empty when it is about the whole policy
	What   string // a sentence without its subject: "selects no known workload"
}

// Compare orders findings by policy, rule and kind.
func (f Finding) Compare(o Finding) int {
	return cmp.Or(strings.Compare(f.Policy, o.Policy), strings.Compare(f.Rule, o.Rule), cmp.Compare(f.Kind, o.Kind), strings.Compare(f.What, o.What))
}

// Options tune Policies. The zero value is usable.
type Options struct {
	Verify verify.Options

	// Progress, when set, is called with the number of policies looked at so far.
	Progress func(policies int)
}

// Policies looks at policies of the normal tier, and for contradictions at those of the
// others, over the workloads and the environment of a model, whose edges count for
// nothing. Findings are ordered. What is wrong with a policy itself is an error, and what
// takes more than verify.Options.MaxSteps is a verify.TooLargeError.
func Policies(list []verify.Policy, m *generator.Model, o Options) ([]Finding, error) {
	list, set, ties, err := compile(slices.Clone(list), m, o.Verify)
	if err != nil {
		return nil, err
	}
	l := &linter{
		model: m, asker: set.Asker(), options: o, nobody: map[[2]string]bool{},
		selections: map[[2]string][]*generator.Workload{}, within: map[string][]string{},
	}
	l.found = ties
	for i := range list {
		if list[i].Tier == verify.Normal {
			l.selection(&list[i])
		}
		l.sides(&list[i])
	}
	l.names(list)
	l.superfluous(list)
	l.overlapping(list)
	if err := l.asker.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(l.found, Finding.Compare)
	return slices.Compact(l.found), nil
}

// compile compiles policies. Of two that treat pods differently at one priority it is not
// defined which one counts: that is a finding, and the answers are without the second.
func compile(list []verify.Policy, m *generator.Model, o verify.Options) ([]verify.Policy, *verify.Set, []Finding, error) {
	var ties []Finding
	for {
		set, err := verify.Compile(list, m, o)
		var tie *verify.TieError
		if !errors.As(err, &tie) {
			return list, set, ties, err
		}
		for i, name := range tie.Policies {
			ties = append(ties, Finding{Contradictory, name, "", fmt.Sprintf("treats %s otherwise than %s does at the same priority: which of them counts is not defined", tie.End, tie.Policies[1-i])})
		}
		list = slices.DeleteFunc(list, func(p verify.Policy) bool { return p.Name == tie.Policies[1] })
	}
}

type linter struct {
	model   *generator.Model
	asker   *verify.Asker
	options Options
	found   []Finding
	nobody  map[[2]string]bool // rules that name nobody, by policy and rule

	// What selectors select, by their texts: of namespaces and of pods, of namespaces.
	selections map[[2]string][]*generator.Workload
	within     map[string][]string
}

func (l *linter) add(k Kind, policy, rule, what string) {
	l.found = append(l.found, Finding{k, policy, rule, what})
}

// What weighs more than a step of the verifier.
const (
	askSteps  = 100 // a question about two workloads
	pairSteps = 4   // a workload of a selection, or a port of a rule for two
)

// shown is how many examples a sentence has.
const shown = 3

// some names the first of a list and counts the rest.
func some(list []string) string {
	if len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:shown], ", ") + " and " + strconv.Itoa(len(list)-shown) + " more"
}
