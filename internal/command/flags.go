// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// judgeFlags are the flags of every command that judges.
type judgeFlags struct {
	checks        []string
	profile       string
	policy        string
	exemptions    string
	respectLabels bool
	namespace     string
	quiet         bool

	// later says that the policy will be that of a cluster, which is not read yet.
	later bool
}

func (f *judgeFlags) add(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.checks, "checks", nil, "only these checks, by id or name")
	flags.StringVar(&f.profile, "profile", "", "profile to judge by: baseline (default) or strict")
	flags.StringVar(&f.policy, "policy", "", "`file` with a CheckPolicy")
	flags.StringVar(&f.exemptions, "exemptions", "", "`file` with Exemptions, or \"cluster\" for those of the cluster, which is the default where one is read")
	flags.BoolVar(&f.respectLabels, "respect-labels", false, "let the labels of namespaces decide mode and profile, instead of taking every namespace as enforced")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "judge only objects of this namespace; the others still count as their surroundings")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "say only what fails")
	complete(cmd, "checks", a.completeChecks)
	complete(cmd, "profile", fixed("baseline", "strict"))
}

// rules is what the flags say about judging.
type rules struct {
	policy     *policy.Policy
	ownPolicy  bool // the policy comes from a file
	only       map[string]bool
	profile    policy.Profile
	respect    bool
	exemptions *exempt.Set
}

func (f *judgeFlags) rules(a *app) (rules, error) {
	r := rules{policy: policy.Default(a.set), respect: f.respectLabels}
	if f.respectLabels && f.profile != "" {
		return r, errors.New("--profile and --respect-labels exclude each other: the labels name the profile")
	}
	var err error
	if r.profile, err = policy.ParseProfile(f.profile); err != nil {
		return r, fmt.Errorf("--profile: %w", err)
	}
	if f.policy != "" {
		r.ownPolicy = true
		if r.policy, err = a.readPolicy(f.policy); err != nil {
			return r, err
		}
	}
	if !f.later {
		if r.only, err = a.pick(f.checks); err != nil {
			return r, err
		}
	}
	if f.exemptions != "" && f.exemptions != ofCluster {
		if r.exemptions, err = readExemptions(f.exemptions, a.set); err != nil {
			return r, err
		}
	}
	return r, nil
}

// pick returns the ids of the checks that a user names; nil, which is all, when
// there are none.
func (a *app) pick(names []string) (map[string]bool, error) {
	if len(names) == 0 {
		return nil, nil
	}
	only, err := a.set.Only(names...)
	if err != nil {
		return nil, fmt.Errorf("--checks: %w", err)
	}
	out := map[string]bool{}
	for _, c := range only.Checks() {
		out[c.ID] = true
	}
	return out, nil
}

// readPolicy reads the policy of a file. From then on its custom checks are known.
func (a *app) readPolicy(path string) (*policy.Policy, error) {
	f, err := os.Open(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	out, err := policy.Load(a.set, path, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	a.set = out.Set()
	return out, nil
}

// threshold says which findings fail a run.
type threshold struct {
	never    bool
	action   checks.Action
	severity checks.Severity // when it is set, it decides instead of the action
}

var failOn = []string{"deny", "warn", "audit", "info", "low", "medium", "high", "critical", "never"}

func parseThreshold(s string) (threshold, error) {
	if s == "never" {
		return threshold{never: true}, nil
	}
	if severity, is := checks.ParseSeverity(s); is {
		return threshold{severity: severity}, nil
	}
	if action, is := checks.ParseAction(s); is && action != checks.Ignore {
		return threshold{action: action}, nil
	}
	return threshold{}, fmt.Errorf("--fail-on %q is not one of %s", s, strings.Join(failOn, ", "))
}

func (t threshold) fails(j policy.Judged) bool {
	switch {
	case t.never:
		return false
	case t.severity != checks.SeverityUnset:
		return j.Severity >= t.severity
	}
	return j.Action <= t.action
}

// complete registers the completion of a flag. The flag exists, so it cannot
// fail; if it did, completion would only offer files.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	_ = cmd.RegisterFlagCompletionFunc(flag, f) // fails only for a flag that does not exist
}

func fixed(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// completeChecks offers ids with their titles, also behind a comma.
func (a *app) completeChecks(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	head, last := "", word
	for i := len(word) - 1; i >= 0; i-- {
		if word[i] == ',' {
			head, last = word[:i+1], word[i+1:]
			break
		}
	}
	return a.checkNames(head, last), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// checkNames lists ids, or names once the word begins like one.
func (a *app) checkNames(head, word string) []string {
	byName := slices.ContainsFunc([]byte(word), func(c byte) bool { return c >= 'a' && c <= 'z' })
	var out []string
	for _, c := range a.set.Checks() {
		name := c.ID
		if byName {
			name = c.Name
		}
		if len(name) >= len(word) && name[:len(word)] == word {
			out = append(out, head+name+"\t"+c.Doc.Title)
		}
	}
	return out
}
