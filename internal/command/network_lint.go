// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator/lint"
)

func (a *app) networkLintCommand() *cobra.Command {
	var f togetherFlags
	cmd := &cobra.Command{
		Use:   "lint -f PATH|--cluster",
		Short: "Find what is probably not meant in policies of the network",
		Long: "Find policies that select no workload and rules that name nobody, pods that cannot ask the name\n" +
			"servers, rules that allow what the other end refuses or another policy denies, policies that overlap, and policies and rules\n" +
			"that change nothing. The files have the workloads and the policies.\n\n" +
			"Exit codes: 0 nothing found, 1 something found, 2 it could not be told.",
		Example: a.examples("  gatehouse network lint -f k8s/\n" +
			"  gatehouse network lint -f k8s/ -o json\n" +
			"  gatehouse network lint --cluster"),
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.networkLint(cmd.Context(), &f) },
	}
	f.add(cmd, networkOutputs...)
	return cmd
}

// lintLine is one finding in the machine forms.
type lintLine struct {
	Kind   string `json:"kind"`
	Policy string `json:"policy"`
	Rule   string `json:"rule,omitempty"`
	What   string `json:"what"`
	Place  string `json:"place"`
}

func (a *app) networkLint(ctx context.Context, f *togetherFlags) error {
	set, read, err := a.together(ctx, f)
	if err != nil {
		return err
	}
	if len(set.policies) == 0 {
		return fmt.Errorf("there is nothing to look at: no policy of the network among the objects")
	}
	if len(read.model.Universe.Workloads()) == 0 {
		a.say("warning: no workload is among the objects, so that policies seem to select nothing: name their files as well")
	}
	bar := a.progress("looking at policies", 0)
	found, err := lint.Policies(set.policies, read.model, lint.Options{Verify: read.profile.Verify(), Progress: bar.set})
	bar.stop()
	if err != nil {
		return fmt.Errorf("look at the policies: %w", sayRanges(err))
	}
	lines := make([]lintLine, 0, len(found))
	for _, each := range found {
		lines = append(lines, lintLine{each.Kind.String(), each.Policy, each.Rule, each.What, set.place(each.Policy, each.Rule)})
	}
	if f.output != "text" {
		err = a.write(f.output, lines)
	} else {
		err = a.tellLint(set, lines)
	}
	if err == nil && len(found) > 0 {
		return failure(ExitFindings)
	}
	return err
}

func (a *app) tellLint(set policySet, lines []lintLine) error {
	for _, l := range lines {
		subject := l.Policy
		if l.Rule != "" {
			subject += ", " + l.Rule
		}
		if l.Place != "" {
			subject = l.Place + ": " + subject
		}
		if err := line(a.Out, "%s: %s (%s)", subject, l.What, l.Kind); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		return line(a.Out, "%s, and nothing to say about them.", policyCount(len(set.policies)))
	}
	return line(a.Out, "%s in %s.", count(len(lines), "finding"), policyCount(len(set.policies)))
}
