// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator"
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
		Use:   "verify [POLICIES...] --against MANIFESTS|--cluster",
		Short: "Prove that policies allow exactly what manifests declare",
		Long: "Compare what policies allow with the connections that manifests or a cluster declare, over all\n" +
			"workloads, pods that nobody described, and addresses. Listed is what is declared and would be\n" +
			"refused (missing), and what is allowed and not declared (extra), each with who decides it.\n" +
			"With --cluster and without POLICIES, those of the cluster are asked.\n\n" +
			"Exit codes: 0 exactly what is declared, 1 something is missing or extra, 2 it could not be told.",
		Example: a.examples("  gatehouse network verify policies.yaml --against k8s/\n" +
			"  gatehouse network verify k8s/policies --against k8s/apps --gateway edge/app=proxy -o json\n" +
			"  gatehouse network verify --cluster -n shop"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !f.model.live.on {
				return errNoSource
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
	if len(f.against) == 0 && !f.model.live.on {
		return errors.New("say what is wanted: --against takes the manifests, and --cluster the cluster")
	}
	read, err := a.readModel(ctx, &f.model, f.against)
	if err != nil {
		return err
	}
	objects := read.objects
	if len(paths) > 0 {
		a.tellDoubts(objects.doubts) // their own policies do not count
		if objects, err = a.readPolicies(a.loadOnce(ctx, paths, f.model.quiet)); err != nil {
			return err
		}
	}
	set, err := a.policiesOf(objects, read.model, &f.model.cilium)
	if err != nil {
		return err
	}
	if len(set.policies) == 0 && !f.model.quiet {
		a.say("warning: the files have no policy of the network, so that everything is allowed")
	}
	if err := someGuard(read.model); err != nil {
		return err
	}
	if len(read.cut) > 0 && !f.model.keepGoing {
		return a.refuseCut(read, "it cannot be told whether the policies allow these connections")
	}
	for _, text := range generator.Told(read.problems) {
		a.say("problem: %s", text)
	}
	o, stop := a.comparing(read.profile.Verify())
	report, err := verify.Compare(set.policies, read.model, o)
	stop()
	if err != nil {
		return fmt.Errorf("compare: %w", sayRanges(err))
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
			count(len(read.model.Guarded()), "connection"), count(len(read.model.Guards), "namespace"))
	}
	return errors.Join(a.tellDifferences("missing", set, report.Missing), a.tellDifferences("extra", set, report.Extra),
		line(a.Out, "%d missing, %d extra.", len(report.Missing), len(report.Extra)))
}

func (a *app) networkDiffCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "diff [OLD] NEW",
		Short: "List the connections that a change of policies gains and loses",
		Long: "Compare what the policies of two files or folders allow. Nothing is asked about names and\n" +
			"texts: policies that are written differently and allow the same differ in nothing. The workloads\n" +
			"are those of --against or of --cluster, or else of NEW. Without OLD, the cluster is compared with what\n" +
			"it would be if NEW were applied.\n\n" +
			"Exit codes: 0 the same connections, 1 some are gained or lost, 2 it could not be told.",
		Example: a.examples("  gatehouse network diff policies.yaml candidate.yaml --against k8s/\n" +
			"  gatehouse network diff main/k8s branch/k8s\n" +
			"  gatehouse network diff policies.yaml --cluster"),
		Args: between(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.networkDiff(cmd.Context(), &f, args)
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

// sides reads what is compared, and the objects of which the workloads are: those
// that --against and --cluster say, or else the new ones. One path is taken as if it
// were applied to the cluster.
func (a *app) sides(ctx context.Context, f *verifyFlags, args []string) (objects [2]loaded, workloads loaded, err error) {
	fail := func(err error) ([2]loaded, loaded, error) { return [2]loaded{}, loaded{}, err }
	from := objects[:]
	if len(args) == 1 {
		if !f.model.live.on {
			return fail(errors.New("say what to compare with: an older path before it, or --cluster"))
		}
		from = objects[1:]
	}
	for i, path := range args {
		if from[i], err = a.readPolicies(a.loadOnce(ctx, []string{path}, f.model.quiet)); err != nil {
			return fail(err)
		}
	}
	switch {
	case f.model.live.on || len(f.against) > 0:
		if workloads, err = a.readPolicies(a.loadSource(ctx, &f.model, f.against)); err != nil {
			return fail(err)
		}
		if len(args) > 1 {
			a.tellDoubts(workloads.doubts) // their own policies do not count
		}
	default:
		workloads = objects[1]
	}
	if len(args) == 1 {
		objects[0], objects[1] = workloads, applied(workloads, objects[1])
		workloads = objects[1]
	}
	return objects, workloads, nil
}

func (a *app) networkDiff(ctx context.Context, f *verifyFlags, args []string) error {
	objects, workloads, err := a.sides(ctx, f, args)
	if err != nil {
		return err
	}
	read, err := a.modelOf(ctx, &f.model, workloads)
	if err != nil {
		return err
	}
	var sets [2]policySet
	for i := range objects {
		if sets[i], err = a.policiesOf(objects[i], read.model, &f.model.cilium); err != nil {
			return err
		}
	}
	before, after := sets[0], sets[1]
	o, stop := a.comparing(read.profile.Verify())
	gained, lost, err := verify.Diff(before.policies, after.policies, read.model, o)
	stop()
	if err != nil {
		return fmt.Errorf("compare: %w", sayRanges(err))
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
