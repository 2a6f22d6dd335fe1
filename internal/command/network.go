// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

func (a *app) networkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Ask what policies of the network allow",
		Long: "Ask what policies allow between workloads, of files or of a cluster (--cluster): whether it is exactly\n" +
			"what the manifests declare, what a change gains and loses, and which rule decides a connection.\n" +
			"NetworkPolicies, CiliumNetworkPolicies and ClusterNetworkPolicies count together.\n" +
			"\"gatehouse generate\" writes policies.",
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.verifyCommand(), a.networkDiffCommand(), a.networkExplainCommand(), a.networkGraphCommand(), a.networkLintCommand(), a.networkSimulateCommand(), a.networkTemplatesCommand())
	return cmd
}

// because puts a decision in words, with the place of the rule.
func (p policySet) because(d verify.Decision) string {
	text := d.String()
	if d.Policy == "" {
		return text
	}
	if at := p.place(d.Policy, d.Rule); at != "" {
		text += " (" + at + ")"
	}
	return text
}

// difference is connections of a table in the machine forms.
type difference struct {
	From    []string     `json:"from"`
	To      []string     `json:"to"`
	Ports   []string     `json:"ports"`
	Egress  decisionLine `json:"egress"`
	Ingress decisionLine `json:"ingress"`
}

// decisionLine is what one side of a connection makes of it.
type decisionLine struct {
	Allowed bool   `json:"allowed"`
	Policy  string `json:"policy,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Place   string `json:"place,omitempty"`
}

func (p policySet) decision(d verify.Decision) decisionLine {
	out := decisionLine{Allowed: d.Action == verify.Accept, Policy: d.Policy, Rule: d.Rule}
	if d.Policy != "" {
		out.Place = p.place(d.Policy, d.Rule)
	}
	return out
}

func (p policySet) differences(list []verify.Difference) []difference {
	out := make([]difference, 0, len(list))
	for _, d := range list {
		out = append(out, difference{
			From: endsOf(d.From), To: endsOf(d.To), Ports: portsOf(d.Ports),
			Egress: p.decision(d.Egress), Ingress: p.decision(d.Ingress),
		})
	}
	return out
}

func endsOf(e verify.Ends) []string {
	out := make([]string, 0, e.Len())
	for end := range e.All() {
		out = append(out, end.String())
	}
	return out
}

func portsOf(s generator.PortSet) []string {
	list := s.List()
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, p.String())
	}
	return out
}

// tellDifferences writes differences as a person reads them: which connections, and
// below each who decides.
func (a *app) tellDifferences(what string, set policySet, list []verify.Difference) error {
	for _, d := range list {
		if err := errors.Join(line(a.Out, "%s: %s", what, d), line(a.Out, "    %s", set.both(d.Egress, d.Ingress))); err != nil {
			return err
		}
	}
	return nil
}

// both says what the sides of a connection make of it: who refuses, or who accepts.
func (p policySet) both(egress, ingress verify.Decision) string {
	var words []string
	refused := egress.Action == verify.Deny || ingress.Action == verify.Deny
	for _, side := range []struct {
		name string
		by   verify.Decision
	}{{"egress", egress}, {"ingress", ingress}} {
		if refused == (side.by.Action == verify.Deny) {
			words = append(words, side.name+" "+p.because(side.by))
		}
	}
	return strings.Join(words, "; ")
}
