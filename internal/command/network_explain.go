// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

func (a *app) networkExplainCommand() *cobra.Command {
	var f togetherFlags
	cmd := &cobra.Command{
		Use:   "explain SRC DST PORT -f PATH",
		Short: "Say which policy and rule allows or blocks a connection",
		Long: "Ask the NetworkPolicies of files whether one end may connect to another. Both sides decide: the\n" +
			"egress of the source and the ingress of the destination.\n\n" +
			"An end is a workload as namespace/name or kind/namespace/name, a Service as service/namespace/name\n" +
			"(its port becomes that of the pods), any other pod of a namespace as namespace/*, of a namespace\n" +
			"that nobody named as */*, an address, a domain name, or dns, api-server, nodes, gateway, monitoring.\n" +
			"A port is 8080, UDP/53 or TCP/http.\n\n" +
			"Exit codes: 0 allowed, 1 blocked, 2 it could not be told.",
		Example: a.examples("  gatehouse network explain shop/web shop/carts 8080 -f k8s/\n" +
			"  gatehouse network explain shop/web service/shop/carts 80 -f k8s/ -f policies.yaml\n" +
			"  gatehouse network explain 203.0.113.7 shop/web TCP/http -f k8s/"),
		Args: between(3, 3),
		RunE: func(cmd *cobra.Command, args []string) error { return a.networkExplain(cmd.Context(), &f, args) },
	}
	f.add(cmd, networkOutputs...)
	return cmd
}

// answerLine is the machine form of one answer.
type answerLine struct {
	From    string       `json:"from"`
	To      string       `json:"to"`
	Port    string       `json:"port"`
	Allowed bool         `json:"allowed"`
	Egress  decisionLine `json:"egress"`
	Ingress decisionLine `json:"ingress"`
	Because []string     `json:"because"` // what declares the connection
}

func (a *app) networkExplain(ctx context.Context, f *togetherFlags, args []string) error {
	set, read, err := a.together(ctx, f)
	if err != nil {
		return err
	}
	from, err := readEnd(read.model, args[0])
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	to, err := readEnd(read.model, args[1])
	if err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	port, err := parsePort(args[2])
	if err != nil {
		return err
	}
	asked, err := read.pairs(from, to, port)
	if err != nil {
		return err
	}
	compiled, err := verify.Compile(set.policies, read.model, verify.Options{})
	if err != nil {
		return fmt.Errorf("read the policies: %w", err)
	}
	lines := make([]answerLine, 0, len(asked))
	blocked := false
	for _, q := range asked {
		v, err := compiled.Allowed(q.from, q.to, q.port)
		if err != nil {
			return err
		}
		blocked = blocked || !v.Allowed
		lines = append(lines, answerLine{q.from.String(), q.to.String(), q.port.String(), v.Allowed, set.decision(v.Egress), set.decision(v.Ingress), read.because(q)})
		if f.output == "text" {
			if err := a.tellAnswer(set, lines[len(lines)-1], v); err != nil {
				return err
			}
		}
	}
	if f.output != "text" {
		if err := a.write(f.output, lines); err != nil {
			return err
		}
	}
	if blocked {
		return failure(ExitFindings)
	}
	return nil
}

func (a *app) tellAnswer(set policySet, l answerLine, v verify.Verdict) error {
	answer := "allowed"
	if !l.Allowed {
		answer = "blocked"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s -> %s %s\n", answer, l.From, l.To, l.Port)
	text.WriteString("  leaving  " + l.From + ": " + set.because(v.Egress) + "\n")
	text.WriteString("  entering " + l.To + ": " + set.because(v.Ingress))
	for _, why := range l.Because {
		text.WriteString("\n  declared by " + why)
	}
	if len(l.Because) == 0 {
		text.WriteString("\n  no manifest declares this connection")
	}
	for each := range strings.SplitSeq(text.String(), "\n") {
		if err := line(a.Out, "%s", each); err != nil {
			return err
		}
	}
	return nil
}
