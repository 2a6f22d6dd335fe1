// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

func (a *app) networkExplainCommand() *cobra.Command {
	var f togetherFlags
	cmd := &cobra.Command{
		Use:   "explain SRC DST PORT -f PATH|--cluster",
		Short: "Say which policy and rule allows or blocks a connection",
		Long: "Ask the policies of files or of a cluster whether one end may connect to another. Both sides decide: the\n" +
			"egress of the source and the ingress of the destination.\n\n" +
			"An end is a workload as namespace/name or kind/namespace/name, a Service as service/namespace/name\n" +
			"(its port becomes that of the pods), any other pod of a namespace as namespace/*, of a namespace\n" +
			"that nobody named as */*, an address, a domain name, or dns, api-server, nodes, gateway, monitoring.\n" +
			"A port is 8080, UDP/53 or TCP/http.\n\n" +
			"Exit codes: 0 allowed, 1 blocked, 2 it could not be told.",
		Example: a.examples("  gatehouse network explain shop/web shop/carts 8080 -f k8s/\n" +
			"  gatehouse network explain shop/web service/shop/carts 80 -f k8s/ -f policies.yaml\n" +
			"  gatehouse network explain 203.0.113.7 shop/web TCP/http -f k8s/\n" +
			"  gatehouse network explain shop/web dns UDP/53 --cluster"),
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
	// Of a name that no policy speaks of, what is decided is about its addresses.
	unnamed := to.peer.Kind == generator.FQDNPeer && !set.names(to.peer.Name)
	port, err := parsePort(args[2])
	if err != nil {
		return err
	}
	asked, err := read.pairs(from, to, port)
	if err != nil {
		return err
	}
	compiled, err := verify.Compile(set.policies, read.model, read.profile.Verify())
	if err != nil {
		return fmt.Errorf("read the policies: %w", sayRanges(err))
	}
	lines := make([]answerLine, 0, len(asked))
	blocked := false
	for _, q := range asked {
		v, err := compiled.Allowed(q.from, q.to, q.port)
		if err != nil && unnamed {
			return fmt.Errorf("no policy speaks of %s, and its addresses decide: ask about one of them (%w)", to.peer.Name, err)
		}
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
	if blocked && unnamed {
		a.say("warning: no policy speaks of %s: where blocks of addresses are allowed, its addresses decide, so ask about one of them", to.peer.Name)
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
	lines := []string{
		answer + ": " + l.From + " -> " + l.To + " " + l.Port,
		"  leaving  " + l.From + ": " + set.because(v.Egress),
		"  entering " + l.To + ": " + set.because(v.Ingress),
	}
	for _, why := range l.Because {
		lines = append(lines, "  declared by "+why)
	}
	if len(l.Because) == 0 {
		lines = append(lines, "  no manifest declares this connection")
	}
	for _, each := range lines {
		if err := line(a.Out, "%s", each); err != nil {
			return err
		}
	}
	return nil
}
