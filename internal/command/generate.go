// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// generateFlags are those of "generate".
type generateFlags struct {
	model   modelFlags
	dialect dialectFlags
	output  string
	to      string
	explain bool
}

// The forms in which policies are written.
const (
	asStream    = "yaml"
	asFolder    = "dir"
	asKustomize = "kustomize"
	asJSON      = "json"
)

var generateOutputs = []string{asStream, asFolder, asKustomize, asJSON}

func (a *app) generateCommand() *cobra.Command {
	var f generateFlags
	cmd := &cobra.Command{
		Use:   "generate [PATH...]",
		Short: "Write policies of the network that allow what is declared, and nothing else",
		Long: "Read manifests (files, folders, kustomizations, or - for the standard input) or a cluster (--cluster),\n" +
			"find which connections they declare, and write policies: deny everything, then allow these.\n\n" +
			"Before anything is written, the policies are read back and compared with the connections. A\n" +
			"connection that would be refused ends the run with nothing written; what is allowed beyond them is\n" +
			"listed. What manifests cannot show (addresses in code) is not found: the notes say where that is likely.\n\n" +
			"Exit codes: 0 exactly what is declared is allowed, 1 written, but there are problems, Services that\n" +
			"nobody is known to use, or more is allowed, 2 nothing was written.",
		Example: a.examples("  gatehouse generate k8s/ > policies.yaml\n" +
			"  gatehouse generate k8s/ --api-server 10.0.0.10 --gateway ingress-nginx/app=ingress-nginx --gateway-class nginx\n" +
			"  gatehouse generate k8s/ --explain\n" +
			"  gatehouse generate k8s/ -o kustomize --to policies/\n" +
			"  kustomize build . | gatehouse generate - -n shop\n" +
			"  gatehouse generate --cluster -n shop --flows hubble.json.gz --dialect cilium\n" +
			"  gatehouse generate --cluster -n shop --hubble-relay localhost:4245 --hubble-relay-plaintext --since 15m"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.generate(cmd.Context(), &f, args)
		},
	}
	f.model.add(cmd)
	f.dialect.add(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", asStream, "yaml for one stream, dir for a file per namespace, kustomize for these with a kustomization, json for connections, policies and problems together")
	cmd.Flags().StringVar(&f.to, "to", "", "`folder` to write to, for dir and kustomize; for yaml and json, a file instead of the standard output")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "print a table of the connections with what declares each; policies are then written only with --to")
	complete(cmd, "output", fixed(generateOutputs...))
	return cmd
}

func (a *app) generate(ctx context.Context, f *generateFlags, paths []string) error {
	if err := oneOf("--output", f.output, generateOutputs); err != nil {
		return err
	}
	if f.to == "" && (f.output == asFolder || f.output == asKustomize) {
		return fmt.Errorf("--output %s needs a folder: --to", f.output)
	}
	dialect, err := f.dialect.dialect(&f.model.cilium, f.model.enforcer)
	if err != nil {
		return err
	}
	read, err := a.readModel(ctx, &f.model, paths)
	if err != nil {
		return err
	}
	if err := someGuard(read.model); err != nil {
		return err
	}
	if f.explain {
		if err := a.tellConnections(read.model); err != nil {
			return err
		}
	}
	if len(read.cut) > 0 && !f.model.keepGoing {
		return a.refuseCut(read, "nothing was written, since the policies would cut these connections")
	}
	others, err := a.beside(read, &f.model)
	if err != nil {
		return err
	}
	tiers, err := a.tiers(read, f)
	if err != nil {
		return err
	}
	dialect.options.Beside = slices.Concat(others, tiers.read)
	p, err := a.prove(read.model, dialect)
	if err != nil {
		return sayRanges(err)
	}
	if unsaid := p.Problems; f.model.keepGoing && p.Refusal() != nil && len(unsaid) > 0 {
		read.model = without(read.model, unsaid)
		if p, err = a.prove(read.model, dialect); err != nil {
			return sayRanges(err)
		}
		read.problems = append(read.problems, unsaid...)
	}
	var refused *plan.RefusedError
	if errors.As(p.Refusal(), &refused) && len(others) > 0 {
		// What others refuse is not cut by these policies, which stay right without them.
		dialect.options.Beside = tiers.read
		alone, err := a.prove(read.model, dialect)
		if err != nil {
			return sayRanges(err)
		}
		if alone.Refusal() == nil {
			read.refused = refused.Missing
			alone.Report.Extra = p.Report.Extra
			p = alone
		}
	}
	switch err := p.Refusal(); {
	case errors.As(err, &refused):
		return a.refusePlan(read.model, &p, slices.Concat(others, tiers.read), dialect.options.Verify)
	case err != nil:
		return err
	}
	policies := append(p.Objects(), tiers.objects...)
	read.problems = slices.Concat(read.problems, p.Problems, p.Widened)
	if !f.explain || f.to != "" {
		if err := a.writePolicies(ctx, f, read, policies, p.Report); err != nil {
			return err
		}
	}
	return a.summary(f, read, policies, p.Report)
}

// prove makes a plan with its proof, and shows how far that is: one after the other.
func (a *app) prove(m *generator.Model, d chosen) (plan.Plan[metav1.Object], error) {
	o, stop := a.comparing(d.options.Verify)
	defer stop()
	making := a.progress("making policies", manyPolicies)
	defer making.stop()
	d.options.Compact.Progress = making.set
	d.options.Verify, d.options.Verify.Progress = o, func(ends int) {
		making.stop()
		o.Progress(ends)
	}
	return plan.Make(m, d.Dialect, d.options)
}

// beside returns the policies of the cluster that stay: those of others, and ours of
// namespaces that are not guarded here. Policies among files are no part of the proof, since nobody knows whether they are
// to stay; that is told.
func (a *app) beside(read *modelled, f *modelFlags) ([]verify.Policy, error) {
	others := read.objects
	others.targets = slices.DeleteFunc(slices.Clone(others.targets), func(t target) bool {
		_, guarded := read.model.Guards[t.key.Namespace]
		replaced := t.object.GetLabels()[netpol.ManagedByLabel] == netpol.ManagedBy && (guarded || t.key.Namespace == "")
		return !isPolicy(t.key.Kind) || replaced
	})
	if n := len(others.targets); n == 0 || !others.live {
		a.tellDoubts(others.doubts)
		if n > 0 && !f.quiet {
			a.say("note: %s of others among the files: what they allow does not count", policyCount(n))
		}
		return nil, nil
	}
	set, err := a.policiesOf(others, read.model, &f.cilium)
	if err == nil && !f.quiet {
		a.say("note: policies beside these stay and count: %d", len(set.policies))
	}
	return set.policies, err
}

// without is a model without the edges of some problems.
func without(m *generator.Model, problems []generator.Problem) *generator.Model {
	rest := *m
	rest.Edges = slices.DeleteFunc(slices.Clone(m.Edges), func(e generator.Edge) bool {
		return slices.ContainsFunc(problems, func(p generator.Problem) bool { return p.Edge.Compare(e) == 0 })
	})
	return &rest
}

// refusePlan says which connections the policies would refuse, and why. What could not
// be said is told as that alone, and not as missing once more.
func (a *app) refusePlan(m *generator.Model, p *plan.Plan[metav1.Object], beside []verify.Policy, o verify.Options) error {
	for _, text := range generator.Told(p.Problems) {
		a.say("error: %s", text)
	}
	missing, hint := p.Report.Missing, ""
	if len(p.Problems) > 0 {
		hint = "; --keep-going leaves out what cannot be said"
		rest, err := verify.Compare(slices.Concat(p.Policies, beside), without(m, p.Problems), o)
		if err != nil {
			return sayRanges(err)
		}
		missing = rest.Missing
	}
	for _, d := range missing {
		a.say("error: would be refused: %s (%s)", d, policySet{}.both(d.Egress, d.Ingress))
	}
	a.say("nothing was written, since the policies would refuse what is needed%s", hint)
	return failure(ExitFault)
}

// summary says what was found, on the standard error. It is an error that is a
// finding when there is something to look at.
func (a *app) summary(f *generateFlags, read *modelled, policies []metav1.Object, report verify.Report) error {
	for _, text := range generator.Told(read.problems) {
		a.say("problem: %s", text)
	}
	for _, d := range read.refused {
		a.say("problem: policies beside these refuse %s (%s)", d, policySet{}.both(d.Egress, d.Ingress))
	}
	for _, d := range report.Extra {
		a.say("extra: %s (opened: %s; accepted: %s)", d, d.Egress, d.Ingress)
	}
	silent := read.stillUnreached()
	a.unreached(silent)
	if !f.model.quiet {
		for _, text := range read.profile.Notes(read.model) {
			a.say("note: %s", text)
		}
		a.disagreements(read)
		a.say("%s for %s in %s: every one is allowed, %s; %s", policyCount(len(policies)), count(len(read.model.Guarded()), "connection"),
			count(len(read.model.Guards), "namespace"), beyond(read, report), count(len(read.problems)+len(read.refused), "problem"))
	}
	if len(read.problems)+len(read.refused) > 0 || len(report.Extra) > 0 || len(silent) > 0 {
		return failure(ExitFindings)
	}
	return nil
}

func beyond(read *modelled, report verify.Report) string {
	if len(read.refused) > 0 {
		return "but others refuse some"
	}
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
func (a *app) refuseCut(read *modelled, consequence string) error {
	var say []string
	for _, p := range read.cut {
		a.say("error: %s", p)
		if p.Edge.From == (generator.Peer{}) && !slices.Contains(say, "--gateway-class") {
			say = append(say, "--gateway", "--gateway-class")
		}
		for _, end := range []generator.Peer{p.Edge.From, p.Edge.To} {
			if flag := "--" + flagOf[end.Kind]; end.Vital() && !slices.Contains(say, flag) {
				say = append(say, flag)
			}
			if w := read.model.Universe.Workload(end.ID()); w != nil && w.HostNetwork {
				say = append(say, "--node-cidr")
			}
		}
	}
	for _, p := range read.disbelieved {
		a.say("problem: %s", p)
	}
	slices.Sort(say)
	say = slices.Compact(say)
	if len(say) == 0 {
		a.say("%s: --keep-going leaves them out", consequence)
		return failure(ExitFault)
	}
	a.say("%s: say what their ends are with %s, or leave them out with --keep-going", consequence, strings.Join(say, ", "))
	return failure(ExitFault)
}
