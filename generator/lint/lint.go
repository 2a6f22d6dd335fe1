// SPDX-License-Identifier: Apache-2.0

// Package lint finds what is probably not meant in existing policies: those that
// select nobody, cut pods off from the name servers, allow on one side what the
// other refuses, or could be left out. It asks generator/verify and knows no
// dialect. It does not say whether policies are what an application needs; that is
// a comparison with a model (verify.Compare).
package lint

import (
	"cmp"
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
)

var kinds = [...]string{
	SelectsNothing: "selects-nothing", NamesNobody: "names-nobody", DNSBlocked: "dns-blocked", OneSided: "one-sided", Redundant: "redundant", Shadowed: "shadowed",
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

// Policies looks at policies of the normal tier, over the workloads and the
// environment of a model, whose edges count for nothing. Findings are ordered. What
// is wrong with a policy itself is an error.
func Policies(list []verify.Policy, m *generator.Model, o Options) ([]Finding, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(p verify.Policy) bool { return p.Tier != verify.Normal })
	set, err := verify.Compile(list, m, o.Verify)
	if err != nil {
		return nil, err
	}
	bare := &generator.Model{Universe: m.Universe, Environment: m.Environment}
	l := &linter{model: m, bare: bare, set: set, options: o, nobody: map[[2]string]bool{}}
	for i := range list {
		l.selection(&list[i])
		l.oneSided(&list[i])
	}
	l.names(list)
	if err := l.superfluous(list); err != nil {
		return nil, err
	}
	slices.SortFunc(l.found, Finding.Compare)
	return slices.Compact(l.found), nil
}

type linter struct {
	model   *generator.Model
	bare    *generator.Model // without edges, of which nothing is asked
	set     *verify.Set
	options Options
	found   []Finding
	nobody  map[[2]string]bool // rules that name nobody, by policy and rule
}

func (l *linter) add(k Kind, policy, rule, what string) {
	l.found = append(l.found, Finding{k, policy, rule, what})
}

// shown is how many examples a sentence has.
const shown = 3

// some names the first of a list and counts the rest.
func some(list []string) string {
	if len(list) <= shown {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:shown], ", ") + " and " + strconv.Itoa(len(list)-shown) + " more"
}
