// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// connectionLine is one connection in the machine form.
type connectionLine struct {
	From       string         `json:"from"`
	To         string         `json:"to"`
	Port       string         `json:"port"`
	Requests   []string       `json:"requests,omitempty"` // of HTTP, where some are asked for
	Confidence string         `json:"confidence"`
	Expires    string         `json:"expires,omitempty"`
	Because    []evidenceLine `json:"because"`
}

// evidenceLine is one reason for a connection.
type evidenceLine struct {
	Source     string `json:"source"`
	Confidence string `json:"confidence"`
	Where      string `json:"where,omitempty"`
	What       string `json:"what,omitempty"`
	Flows      uint64 `json:"flows,omitempty"`
	First      string `json:"first,omitempty"`
	Last       string `json:"last,omitempty"`
	Expires    string `json:"expires,omitempty"`
}

// generatedLine is all that a run found and made.
type generatedLine struct {
	Connections []connectionLine `json:"connections"`
	Policies    []map[string]any `json:"policies"` // in the order in which they are applied
	Extra       []difference     `json:"extra"`
	Problems    []string         `json:"problems"`
	Unreached   []string         `json:"unreached"` // Services that nobody is known to use
	Conflicts   []conflictLine   `json:"conflicts"` // with --flows: where these and what is declared differ
}

// conflictLine is a connection about which the sources disagree.
type conflictLine struct {
	Kind string `json:"kind"`
	connectionLine
}

func connectionLines(edges []generator.Edge) []connectionLine {
	out := make([]connectionLine, 0, len(edges))
	for i := range edges {
		out = append(out, connectionLineOf(&edges[i]))
	}
	return out
}

func connectionLineOf(e *generator.Edge) connectionLine {
	l := connectionLine{From: e.From.String(), To: e.To.String(), Port: e.Port.String(), Confidence: e.Confidence().String(), Expires: day(e.Expires())}
	for _, q := range e.Requests().List() {
		l.Requests = append(l.Requests, generator.RequestsOf(q).String())
	}
	for _, b := range e.Because {
		l.Because = append(l.Because, evidenceLine{b.Source.String(), b.Confidence.String(), b.Where, b.What, b.Flows, day(b.First), day(b.Last), day(b.Expires)})
	}
	return l
}

// day is a moment for machines, empty for none.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// tellConnections writes a table of the connections of guarded namespaces and the reasons of each.
func (a *app) tellConnections(m *generator.Model) error {
	edges := m.Guarded()
	rows := make([][]string, 0, len(edges))
	for i := range edges {
		e := &edges[i]
		because := make([]string, 0, len(e.Because))
		for _, b := range e.Because {
			text := b.String()
			if b.Flows > 0 {
				text += fmt.Sprintf(", %s, the last at %s", count(b.Flows, "flow"), momentOf(b.Last))
			}
			if !b.Expires.IsZero() {
				text += ", until " + day(b.Expires)
			}
			because = append(because, text)
		}
		port := e.Port.String()
		if asked := e.Requests(); !asked.All() {
			port += " (" + asked.String() + ")"
		}
		rows = append(rows, []string{e.From.String(), e.To.String(), port, e.Confidence().String(), strings.Join(because, "; ")})
	}
	var b strings.Builder
	plainTable(&b, []string{"from", "to", "port", "confidence", "because"}, rows)
	_, err := io.WriteString(a.Out, b.String())
	return err
}

// asJSON is the whole result of a run in the machine form.
func (r *modelled) asJSON(policies []metav1.Object, proof verify.Report) ([]byte, error) {
	out := generatedLine{
		Connections: connectionLines(r.model.Edges), Policies: make([]map[string]any, 0, len(policies)),
		Extra: policySet{}.differences(proof.Extra), Problems: []string{}, Unreached: []string{}, Conflicts: []conflictLine{},
	}
	for _, p := range policies {
		content, err := written(p)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", p.GetName(), err)
		}
		out.Policies = append(out.Policies, content)
	}
	for _, p := range r.problems {
		out.Problems = append(out.Problems, p.String())
	}
	for _, d := range r.refused {
		out.Problems = append(out.Problems, "policies beside these refuse "+d.String())
	}
	for _, p := range r.stillUnreached() {
		out.Unreached = append(out.Unreached, p.String())
	}
	for _, c := range r.conflicts() {
		out.Conflicts = append(out.Conflicts, conflictLine{c.Kind.String(), connectionLineOf(&c.Edge)})
	}
	var b bytes.Buffer
	err := report.EncodeJSON(&b, out)
	return b.Bytes(), err
}
