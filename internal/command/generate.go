// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// generateFlags are those of "generate".
type generateFlags struct {
	model  modelFlags
	output string
	to     string
}

// The forms in which policies are written.
const (
	asStream    = "yaml"
	asFolder    = "dir"
	asKustomize = "kustomize"
)

var generateOutputs = []string{asStream, asFolder, asKustomize}

func (a *app) generateCommand() *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use:   "generate PATH...",
		Short: "Write NetworkPolicies that allow what manifests declare, and nothing else",
		Long: "Read manifests (files, folders, kustomizations, or - for the standard input), find which connections\n" +
			"they declare, and write NetworkPolicies: deny everything, then allow these.\n\n" +
			"Before anything is written, the policies are read back and compared with the connections. A\n" +
			"connection that would be refused ends the run with nothing written; what is allowed beyond them is\n" +
			"listed. What manifests cannot show (addresses in code) is not found: the notes say where that is likely.\n\n" +
			"Exit codes: 0 exactly what is declared is allowed, 1 written, but there are problems, Services that\n" +
			"nobody is known to use, or more is allowed, 2 nothing was written.",
		Example: a.examples("  gatehouse generate k8s/ > policies.yaml\n" +
			"  gatehouse generate k8s/ --api-server 10.0.0.10 --gateway ingress-nginx/app=ingress-nginx --gateway-class nginx\n" +
			"  gatehouse generate k8s/ -o kustomize --to policies/\n" +
			"  kustomize build . | gatehouse generate - -n shop"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errNoPaths
			}
			return a.generate(cmd.Context(), &f, args)
		},
	}
	f.model.add(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", asStream, "yaml for one stream, dir for a file per namespace, kustomize for these with a kustomization")
	cmd.Flags().StringVar(&f.to, "to", "", "`folder` to write to, for dir and kustomize; for yaml, a file instead of the standard output")
	complete(cmd, "output", fixed(generateOutputs...))
	return cmd
}

func (a *app) generate(ctx context.Context, f *generateFlags, paths []string) error {
	if err := oneOf("--output", f.output, generateOutputs); err != nil {
		return err
	}
	if f.to == "" && f.output != asStream {
		return fmt.Errorf("--output %s needs a folder: --to", f.output)
	}
	read, err := a.readModel(ctx, &f.model, paths)
	if err != nil {
		return err
	}
	if err := someGuard(read.model); err != nil {
		return err
	}
	if len(read.cut) > 0 && !f.model.keepGoing {
		return a.refuseCut(read.cut, "nothing was written, since the policies would cut these connections")
	}
	policies, problems := a.plan(read.model)
	report, err := prove(policies, read.model)
	if err != nil {
		return err
	}
	if len(report.Missing) > 0 {
		a.refusePlan(report.Missing, problems)
		return failure(ExitFault)
	}
	if err := a.writePolicies(f, policies); err != nil {
		return err
	}
	read.problems = append(read.problems, problems...)
	return a.summary(f, read, policies, report)
}

// plan makes the policies of a model. The problems are edges of which none came.
func (a *app) plan(m *generator.Model) ([]*networkingv1.NetworkPolicy, []generator.Problem) {
	plan, problems := compact.Compact(m, compact.Options{})
	policies, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
	return policies, append(problems, refused...)
}

// prove compares policies, read back from what was written, with the model.
func prove(policies []*networkingv1.NetworkPolicy, m *generator.Model) (verify.Report, error) {
	read, err := netpol.Read(policies)
	if err != nil {
		return verify.Report{}, fmt.Errorf("read the policies back: %w", err)
	}
	report, err := verify.Compare(read, m, verify.Options{})
	if err != nil {
		return verify.Report{}, fmt.Errorf("prove the policies: %w", err)
	}
	return report, nil
}

// refusePlan says which connections the policies would refuse, and why.
func (a *app) refusePlan(missing []verify.Difference, problems []generator.Problem) {
	for _, p := range problems {
		a.say("error: %s", p)
	}
	for _, d := range missing {
		a.say("error: would be refused: %s", d)
	}
	a.say("nothing was written, since the policies would refuse what the manifests need")
}

// summary says what was found, on the standard error. It is an error that is a
// finding when there is something to look at.
func (a *app) summary(f *generateFlags, read *modelled, policies []*networkingv1.NetworkPolicy, report verify.Report) error {
	for _, p := range read.problems {
		a.say("problem: %s", p)
	}
	for _, d := range report.Extra {
		a.say("extra: %s (opened: %s; accepted: %s)", d, d.Egress, d.Ingress)
	}
	silent := read.stillUnreached()
	a.unreached(silent)
	if !f.model.quiet {
		a.disagreements(read)
		a.say("%s for %s in %s: every one is allowed, %s; %s", policyCount(len(policies)), count(len(read.model.Edges), "connection"),
			count(len(read.model.Guards), "namespace"), beyond(report), count(len(read.problems), "problem"))
	}
	if len(read.problems) > 0 || len(report.Extra) > 0 || len(silent) > 0 {
		return failure(ExitFindings)
	}
	return nil
}

func beyond(report verify.Report) string {
	if len(report.Extra) == 0 {
		return "and nothing else"
	}
	return "and " + count(len(report.Extra), "other")
}

// unreached warns of what manifests alone would break.
func (a *app) unreached(silent []generator.Peer) {
	if len(silent) == 0 {
		return
	}
	a.say("warning: no manifest says who connects to %s; what does would be refused. Addresses in code are not found: watch the flows before you apply the policies",
		count(len(silent), "Service"))
	for _, p := range silent {
		a.say("  %s", p)
	}
}

func policyCount(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", n)
}

// refuseCut says which connections a plan would cut that an application cannot
// do without, and how to say what their ends are.
func (a *app) refuseCut(cut []generator.Problem, consequence string) error {
	var say []string
	for _, p := range cut {
		a.say("error: %s", p)
		if p.Edge.From == (generator.Peer{}) && !slices.Contains(say, "--gateway-class") {
			say = append(say, "--gateway", "--gateway-class")
		}
		for _, end := range []generator.Peer{p.Edge.From, p.Edge.To} {
			if flag := "--" + flagOf[end.Kind]; vital(end) && !slices.Contains(say, flag) {
				say = append(say, flag)
			}
		}
	}
	slices.Sort(say)
	say = slices.Compact(say)
	a.say("%s: say what their ends are with %s, or leave them out with --keep-going", consequence, strings.Join(say, ", "))
	return failure(ExitFault)
}
