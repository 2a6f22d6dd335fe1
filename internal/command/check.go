// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/version"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// checkFlags are the flags of `gatehouse check`.
type checkFlags struct {
	judge         judgeFlags
	cluster       clusterFlags
	live          bool
	output        string
	failOn        string
	baseline      string
	writeBaseline string
	color         string
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [PATH...|-]",
		Short: "Judge manifests or a cluster",
		Long: "Judge manifests: files, folders, folders with a kustomization, or the standard input (-).\n" +
			"Without a path, judge the cluster of the current kube context. With --live and paths, judge\n" +
			"the manifests as if they were applied to that cluster.\n\n" +
			"Exit codes: 0 no failing findings, 1 failing findings, 2 something could not be judged.",
		Example: a.examples("  gatehouse check deploy/\n" +
			"  kubectl get services -A -o yaml | gatehouse check -\n" +
			"  gatehouse check deploy/ -o sarif > gatehouse.sarif\n" +
			"  gatehouse check deploy/ --write-baseline baseline.json\n" +
			"  gatehouse check deploy/ --baseline baseline.json --fail-on warn\n" +
			"  gatehouse check --context production"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), f, args) },
	}
	f.judge.add(a, cmd)
	flags := cmd.Flags()
	f.cluster.add(flags)
	flags.BoolVar(&f.live, "live", false, "read the cluster: alone, or as the surroundings of the paths")
	flags.StringVarP(&f.output, "output", "o", "text", "one of text, table, json, yaml, sarif, junit, github")
	flags.StringVar(&f.failOn, "fail-on", "deny", "what fails the run: deny, warn, audit, a severity (and above), or never")
	flags.StringVar(&f.baseline, "baseline", "", "JSON report (`file`) of an earlier run: only findings that it lacks fail")
	flags.StringVar(&f.writeBaseline, "write-baseline", "", "write the findings to this `file` as a baseline; they do not fail the run")
	flags.StringVar(&f.color, "color", "auto", "colours: auto, always or never")
	complete(cmd, "output", cobra.FixedCompletions(report.About(), cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "fail-on", fixed(failOn...))
	complete(cmd, "color", fixed("auto", "always", "never"))
	return cmd
}

// check runs the command; findings that fail the run end it with a failure.
func (a *app) check(ctx context.Context, f checkFlags, paths []string) error {
	limit, colour, known, err := f.read(a)
	if err != nil {
		return err
	}
	f.judge.later = (len(paths) == 0 || f.live) && f.judge.policy == ""
	r, err := f.judge.rules(a)
	if err != nil {
		return err
	}
	read, err := a.load(ctx, f, &r, paths)
	if err != nil {
		return err
	}
	j := judging{app: a, rules: r, loaded: &read, namespace: f.judge.namespace, quiet: f.judge.quiet}
	if err := j.empty(); err != nil {
		return err
	}
	verdicts := j.all()
	out := report.Report{Faults: read.faults, Exempted: j.exempted, Compared: f.baseline != ""}
	a.collect(&out, verdicts, limit, known)
	out.Finish()
	if f.writeBaseline != "" {
		if err := writeBaseline(f.writeBaseline, &out); err != nil {
			return err
		}
		for i := range out.Findings {
			out.Findings[i].Known, out.Findings[i].Fails = true, false
		}
	}
	width, _ := isTerminal(a.Out)
	options := report.Options{
		Colour: colour, Width: width, Quiet: f.judge.quiet, Command: a.name,
		Version: version.Get().Version, Checks: ruleList(r, a.set),
	}
	if err := report.Write(a.Out, f.output, &out, options); err != nil {
		return err
	}
	a.tell(out.Faults)
	switch {
	case len(out.Faults) > 0:
		return failure(ExitFault)
	case out.Failed():
		return failure(ExitFindings)
	}
	return nil
}

// read checks the flags that need no object.
func (f *checkFlags) read(a *app) (threshold, bool, map[string]bool, error) {
	limit, err := parseThreshold(f.failOn)
	if err != nil {
		return limit, false, nil, err
	}
	if !slices.Contains(report.Formats(), f.output) {
		return limit, false, nil, fmt.Errorf("--output %q is not one of %s", f.output, strings.Join(report.Formats(), ", "))
	}
	colour, err := a.colour(f.color)
	if err != nil {
		return limit, false, nil, err
	}
	known, err := readBaseline(f.baseline)
	return limit, colour, known, err
}

// load reads the paths, the cluster, or the paths in the midst of the cluster.
func (a *app) load(ctx context.Context, f checkFlags, r *rules, paths []string) (loaded, error) {
	if len(paths) > 0 && !f.live {
		if f.judge.exemptions == ofCluster {
			return loaded{}, errClusterOnly
		}
		if f.cluster != (clusterFlags{}) {
			return loaded{}, errors.New("--context and --kubeconfig choose a cluster: with paths, say --live as well")
		}
		read, err := a.loadFiles(ctx, paths, f.judge.quiet)
		if err != nil {
			return read, err
		}
		// Manifests seldom hold the roles that Kubernetes ships; an account that is bound
		// to one must not pass for one without rights.
		var shipped []inventory.Object
		if read.inventory, shipped, _ = withShipped(read.inventory); !f.judge.quiet {
			a.tellShipped(shipped)
		}
		return read, nil
	}
	config, name, err := f.cluster.connect()
	if err != nil {
		if len(paths) == 0 && !f.live && f.cluster == (clusterFlags{}) {
			err = fmt.Errorf("%w; without them the cluster is judged: %w", errNoPaths, err)
		}
		return loaded{}, err
	}
	if !r.ownPolicy {
		if r.policy, err = a.clusterPolicy(ctx, config); err != nil {
			return loaded{}, err
		}
		if r.only, err = a.pick(f.judge.checks); err != nil {
			return loaded{}, err
		}
	}
	if f.judge.exemptions == "" || f.judge.exemptions == ofCluster {
		if r.exemptions, err = a.clusterExemptions(ctx, config, f.judge.exemptions == ofCluster); err != nil {
			return loaded{}, err
		}
	}
	var manifests loaded
	if len(paths) > 0 {
		if manifests, err = a.loadFiles(ctx, paths, f.judge.quiet); err != nil {
			return loaded{}, err
		}
	}
	around, err := a.loadCluster(ctx, config, name)
	if err != nil || len(paths) == 0 {
		return around, err
	}
	edit := around.inventory.Edit()
	for i := range manifests.targets {
		edit.Put(inventory.NewEntry(manifests.targets[i].object))
	}
	manifests.inventory = edit.Inventory()
	manifests.faults = append(manifests.faults, around.faults...)
	return manifests, nil
}

// collect fills the report with the verdicts.
func (a *app) collect(out *report.Report, verdicts []judgement, limit threshold, known map[string]bool) {
	for _, one := range verdicts {
		out.Objects = append(out.Objects, one.at)
		for _, j := range one.verdict {
			f := report.NewFinding(j, one.at, one.line(j.Field))
			f.Known = known[f.Identity()]
			f.Fails = !f.Known && limit.fails(j)
			out.Findings = append(out.Findings, f)
			if c, exists := a.set.Lookup(j.Check); exists && c.Fix != nil && one.repairable() && j.Certainty == checks.Violation {
				out.Fixable++
			}
		}
	}
}

// ruleList is the checks that a run was about.
func ruleList(r rules, set *checks.Set) []checks.Check {
	list := set.Checks()
	if r.only == nil {
		return list
	}
	return slices.DeleteFunc(list, func(c checks.Check) bool { return !r.only[c.ID] })
}

// readBaseline returns the identities of the findings of an earlier report;
// none without one.
func readBaseline(path string) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	old, err := report.ReadBaseline(data)
	if err != nil {
		return nil, fmt.Errorf("read baseline %s: %w", path, err)
	}
	out := map[string]bool{}
	for _, f := range old.Findings {
		out[f.Identity()] = true
	}
	return out, nil
}

func writeBaseline(path string, r *report.Report) error {
	return replaceFile(path, 0o644, func(f *os.File) error { return report.EncodeJSON(f, r) })
}
