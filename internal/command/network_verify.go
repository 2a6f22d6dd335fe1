// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// verifyFlags are those of "network verify" and "network diff".
type verifyFlags struct {
	model   modelFlags
	against []string
	output  string
}

func (f *verifyFlags) add(cmd *cobra.Command, against string) {
	cmd.Flags().StringSliceVar(&f.against, "against", nil, against)
	addOutput(cmd, &f.output, networkOutputs)
}

// addOutput adds the flag for the form of the output, which is looked at before
// anything is read. The first form is the default.
func addOutput(cmd *cobra.Command, output *string, formats []string) {
	cmd.Flags().StringVarP(output, "output", "o", formats[0], "one of "+strings.Join(formats, ", "))
	complete(cmd, "output", fixed(formats...))
	cmd.PreRunE = func(*cobra.Command, []string) error { return oneOf("--output", *output, formats) }
}

var networkOutputs = []string{"text", "json", "yaml"}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify POLICIES... --against MANIFESTS",
		Short: "Prove that policies allow exactly what manifests declare",
		Long: "Compare what NetworkPolicies allow with the connections that manifests declare, over all\n" +
			"workloads, pods that nobody described, and addresses. Listed is what is declared and would be\n" +
			"refused (missing), and what is allowed and not declared (extra), each with who decides it.\n\n" +
			"Exit codes: 0 exactly what is declared, 1 something is missing or extra, 2 it could not be told.",
		Example: a.examples("  gatehouse network verify policies.yaml --against k8s/\n" +
			"  gatehouse network verify k8s/policies --against k8s/apps --gateway edge/app=proxy -o json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errNoPaths
			}
			return a.verify(cmd.Context(), &f, args)
		},
	}
	f.model.add(cmd)
	f.add(cmd, "files or folders with the manifests that say what is wanted; their own policies do not count")
	return cmd
}

// proofLine is the machine form of a proof.
type proofLine struct {
	Exact   bool         `json:"exact"`
	Missing []difference `json:"missing"`
	Extra   []difference `json:"extra"`
}

func (a *app) verify(ctx context.Context, f *verifyFlags, paths []string) error {
	if len(f.against) == 0 {
		return errors.New("say what is wanted: --against takes the manifests")
	}
	set, err := a.readPolicies(ctx, paths, f.model.quiet)
	if err != nil {
		return err
	}
	if len(set.policies) == 0 && !f.model.quiet {
		a.say("warning: the files have no NetworkPolicy, so that everything is allowed")
	}
	read, err := a.readModel(ctx, &f.model, f.against)
	if err != nil {
		return err
	}
	if err := someGuard(read.model); err != nil {
		return err
	}
	if len(read.cut) > 0 && !f.model.keepGoing {
		return a.refuseCut(read.cut, "it cannot be told whether the policies allow these connections")
	}
	for _, p := range read.problems {
		a.say("problem: %s", p)
	}
	report, err := verify.Compare(set.policies, read.model, verify.Options{})
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if f.output != "text" {
		err = a.write(f.output, proofLine{report.Exact(), set.differences(report.Missing), set.differences(report.Extra)})
	} else {
		err = a.tellProof(set, read, report)
	}
	if err == nil && !report.Exact() {
		return failure(ExitFindings)
	}
	return err
}

func (a *app) tellProof(set policySet, read *modelled, report verify.Report) error {
	if report.Exact() {
		return line(a.Out, "Exact: %s allow the %s of %s, and nothing else.", policyCount(len(set.policies)),
			count(len(read.model.Edges), "connection"), count(len(read.model.Guards), "namespace"))
	}
	return errors.Join(a.tellDifferences("missing", set, report.Missing), a.tellDifferences("extra", set, report.Extra),
		line(a.Out, "%d missing, %d extra.", len(report.Missing), len(report.Extra)))
}

func (a *app) networkDiffCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "List the connections that a change of policies gains and loses",
		Long: "Compare what the NetworkPolicies of two files or folders allow. Nothing is asked about names and\n" +
			"texts: policies that are written differently and allow the same differ in nothing. The workloads\n" +
			"are those of --against, or else of NEW.\n\n" +
			"Exit codes: 0 the same connections, 1 some are gained or lost, 2 it could not be told.",
		Example: a.examples("  gatehouse network diff policies.yaml candidate.yaml --against k8s/\n" +
			"  gatehouse network diff main/k8s branch/k8s"),
		Args: between(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.networkDiff(cmd.Context(), &f, args[0], args[1])
		},
	}
	f.model.addSurroundings(cmd)
	f.add(cmd, "files or folders with the workloads; default: NEW")
	return cmd
}

// connectionChange is the machine form of a difference of policies.
type connectionChange struct {
	Gained []difference `json:"gained"`
	Lost   []difference `json:"lost"`
}

func (a *app) networkDiff(ctx context.Context, f *verifyFlags, from, to string) error {
	before, err := a.readPolicies(ctx, []string{from}, f.model.quiet)
	if err != nil {
		return err
	}
	after, err := a.readPolicies(ctx, []string{to}, f.model.quiet)
	if err != nil {
		return err
	}
	var read *modelled
	if len(f.against) == 0 {
		read, err = a.modelOf(ctx, &f.model, after.loaded)
	} else {
		read, err = a.readModel(ctx, &f.model, f.against)
	}
	if err != nil {
		return err
	}
	gained, lost, err := verify.Diff(before.policies, after.policies, read.model, verify.Options{})
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	// Who accepts what is gained stands in the new policies, who accepted what is
	// lost in the old ones.
	switch {
	case f.output != "text":
		err = a.write(f.output, connectionChange{after.differences(gained), before.differences(lost)})
	case len(gained)+len(lost) == 0:
		err = line(a.Out, "The same connections are allowed.")
	default:
		err = errors.Join(a.tellDifferences("gained", after, gained), a.tellDifferences("lost", before, lost),
			line(a.Out, "%d gained, %d lost.", len(gained), len(lost)))
	}
	if err == nil && len(gained)+len(lost) > 0 {
		return failure(ExitFindings)
	}
	return err
}
