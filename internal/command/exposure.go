// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

var exposureOutputs = []string{"table", "text", "json", "yaml", "svg", "mermaid", "dot"}

// exposureFlags are the flags of `gatehouse exposure`.
type exposureFlags struct {
	world  worldFlags
	output string
	failOn []string
}

func (a *app) exposureCommand() *cobra.Command {
	var f exposureFlags
	cmd := &cobra.Command{
		Use:   "exposure [PATH...|-]",
		Short: "List what is reachable from outside, and what is before and behind it",
		Long: "List every endpoint that is reachable from outside, through the gateway and past it: listener, TLS and\n" +
			"certificate, authentication, authorisation, limits, backend, who else may connect to it, the rights of its\n" +
			"ServiceAccount, and the findings of the checks. Manifests are read as check reads them; without a path,\n" +
			"the cluster of the current kube context. What is not known is said to be unknown.\n\n" +
			"Exit codes: 0 nothing of --fail-on, 1 something of it, 2 not everything could be read.",
		Example: a.examples("  gatehouse exposure k8s/\n" +
			"  gatehouse exposure k8s/ --secrets certificates/ -o text\n" +
			"  gatehouse exposure k8s/ -o svg > exposure.svg\n" +
			"  gatehouse exposure --context production --read-secrets --fail-on past-gateway,unauthenticated,certificate -o json"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.exposure(cmd.Context(), &f, args) },
	}
	f.world.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.world.judge.namespace, "namespace", "n", "", "only endpoints that lead to this namespace, or come through an object of it")
	flags.StringSliceVar(&f.failOn, "fail-on", []string{"never"}, "what fails the run: "+strings.Join(endpoint.Faults(), ", ")+", or never")
	addOutput(cmd, &f.output, exposureOutputs)
	complete(cmd, "fail-on", fixed(append(endpoint.Faults(), "never")...))
	return cmd
}

func (a *app) exposure(ctx context.Context, f *exposureFlags, paths []string) error {
	var wanted []string
	for _, name := range f.failOn {
		switch {
		case name == "never":
		case slices.Contains(endpoint.Faults(), name):
			wanted = append(wanted, name)
		default:
			return fmt.Errorf("--fail-on %q is not one of %s, never", name, strings.Join(endpoint.Faults(), ", "))
		}
	}
	w, err := a.world(ctx, &f.world, paths)
	if err != nil {
		return err
	}
	r := w.Report()
	if f.world.judge.namespace != "" {
		r.Only(f.world.judge.namespace)
	}
	a.assumed(r.Assumed, f.world.judge.quiet)
	if err := a.writeExposure(f.output, r); err != nil {
		return err
	}
	a.tell(w.faults)
	failed := r.Fails(wanted)
	for i, fault := range failed {
		if i == maxToldFaults {
			a.say("and %d more", len(failed)-i)
			break
		}
		a.say("fails: %s", fault)
	}
	switch {
	case len(w.faults) > 0:
		return failure(ExitFault)
	case len(failed) > 0:
		return failure(ExitFindings)
	}
	return nil
}

// maxToldFaults bounds what is said on the standard error; the report has everything.
const maxToldFaults = 20

// assumed tells what stands in for what was not read.
func (a *app) assumed(list []string, quiet bool) {
	for _, text := range list {
		if !quiet {
			a.say("note: %s", text)
		}
	}
}

func (a *app) writeExposure(output string, r *endpoint.Report) error {
	var b bytes.Buffer
	switch output {
	case "text":
		return r.Text(a.Out)
	case "json", "yaml":
		return a.write(output, r)
	case "table":
		rows := make([][]string, len(r.Endpoints))
		for i := range r.Endpoints {
			rows[i] = r.Endpoints[i].Row(a.Now())
		}
		if len(rows) > 0 {
			report.Table(&b, endpoint.Header(), rows, a.cellWidth())
			b.WriteByte('\n')
		}
		for i := range r.NotServed {
			b.WriteString("not served: " + r.NotServed[i].String() + "\n")
		}
		b.WriteString(r.Summary.String() + "\n")
	default:
		g, err := r.Graph()
		if err != nil {
			return fmt.Errorf("%w: --namespace chooses some, and -o json has everything", err)
		}
		b.WriteString(map[string]func() string{"svg": func() string { return g.SVG(endpoint.Title) }, "mermaid": g.Mermaid, "dot": g.DOT}[output]())
	}
	_, err := a.Out.Write(b.Bytes())
	return err
}

// cellWidth is how wide a cell of a table is on a terminal; elsewhere each row is a line.
func (a *app) cellWidth() int {
	if _, terminal := isTerminal(a.Out); terminal {
		return 40
	}
	return 0
}
