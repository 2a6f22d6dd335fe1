// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

func (a *app) networkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Ask what NetworkPolicies allow",
		Long: "Ask what the NetworkPolicies of files allow between the workloads of files: whether it is exactly\n" +
			"what the manifests declare, what a change gains and loses, and which rule decides a connection.\n" +
			"\"gatehouse generate\" writes policies.",
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.verifyCommand(), a.networkDiffCommand(), a.networkExplainCommand(), a.networkGraphCommand(), a.networkLintCommand(), a.networkSimulateCommand())
	return cmd
}

// policySet is the NetworkPolicies of files.
type policySet struct {
	policies []verify.Policy
	place    func(policy, rule string) string // "policies.yaml:14"; empty when not known
	loaded   loaded
}

// readPolicies reads the NetworkPolicies of files. What cannot be read is an
// error: policies that are missing would change every answer.
func (a *app) readPolicies(ctx context.Context, paths []string, quiet bool) (policySet, error) {
	read, err := a.loadFiles(ctx, paths, quiet)
	if err != nil {
		return policySet{}, err
	}
	if len(read.faults) > 0 {
		a.tell(read.faults)
		return policySet{}, failure(ExitFault)
	}
	return a.policiesOf(read)
}

// policiesOf takes the NetworkPolicies among the objects. Of several with one
// name the last counts, as when they are applied in this order. What an API
// server would refuse is told with its place.
func (a *app) policiesOf(read loaded) (policySet, error) {
	byName := map[string]*target{}
	var order []string
	for i := range read.targets {
		t := &read.targets[i]
		if _, is := t.object.(*networkingv1.NetworkPolicy); !is {
			continue
		}
		name := t.key.String()
		if byName[name] == nil {
			order = append(order, name)
		}
		byName[name] = t
	}
	policies := make([]verify.Policy, 0, len(order))
	var faults []report.Fault
	for _, name := range order {
		p, is := byName[name].object.(*networkingv1.NetworkPolicy)
		if !is {
			continue
		}
		one, err := netpol.Read([]*networkingv1.NetworkPolicy{p})
		faults = append(faults, byName[name].faultsOf(err)...)
		policies = append(policies, one...)
	}
	if len(faults) > 0 {
		a.tell(faults)
		return policySet{}, failure(ExitFault)
	}
	place := func(policy, rule string) string {
		t := byName[policy]
		if t == nil {
			return ""
		}
		if rule != "" {
			rule = "spec." + rule
		}
		file, line := t.positions.Locate(rule)
		return placeOf(file, line)
	}
	return policySet{policies, place, read}, nil
}

// faultsOf gives the faults of one object their lines.
func (t *target) faultsOf(err error) []report.Fault {
	if err == nil {
		return nil
	}
	list := []error{err}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		list = joined.Unwrap()
	}
	out := make([]report.Fault, 0, len(list))
	for _, e := range list {
		place := ""
		if fault, is := errors.AsType[*field.Error](e); is {
			place = fault.Field
		}
		file, line := t.positions.Locate(place)
		out = append(out, report.Fault{File: file, Line: line, Message: e.Error()})
	}
	return out
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
