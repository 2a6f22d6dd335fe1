// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/guard"
)

// explanationOf is a guard in the machine form of explain. It has no severity,
// no kinds and no actions.
func explanationOf(g guard.Guard) explanation {
	return explanation{
		listed: listed{ID: g.ID, Name: g.Name, Severity: checks.SeverityUnset.String(), Kinds: []string{}, Title: g.Doc.Title, Sources: append([]string{}, g.Doc.Sources...)},
		Why:    g.Doc.Why, Attack: g.Doc.Attack, Fix: g.Doc.Fix,
	}
}

func (a *app) guardProse(g guard.Guard) string {
	width := a.proseWidth()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n", g.ID, g.Name, g.Doc.Title)
	section(&b, width, "Why", g.Doc.Why)
	section(&b, width, "What an attacker gets", sentence(g.Doc.Attack))
	section(&b, width, "What happens", sentence(g.Answer)+" This is no check: no CheckPolicy softens it, and no Exemption covers it. See "+g.See+".")
	section(&b, width, "What to change", sentence(g.Doc.Fix))
	sources(&b, g.Doc)
	return b.String()
}
