// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
)

// writeConsidered is explain --finding for people.
func (a *app) writeConsidered(c considered) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(checks.Plain(fmt.Sprintf(format, args...)) + "\n") }
	about := fmt.Sprintf("%s %s of %s", c.Check, c.Name, c.Object)
	if c.Subject != "" {
		about += ", subject " + c.Subject
	}
	source := fmt.Sprintf("%s considered, from %s", count(len(c.Exemptions), "exemption"), c.Source)
	switch {
	case c.Exempt:
		line("%s: exempt by %s", about, c.By)
	default:
		line("%s: not exempt", about)
	}
	line("%s, as of %s", source, exempt.Moment(a.Now()))
	for i := range c.Exemptions {
		one := &c.Exemptions[i]
		word := "no"
		if one.Covers {
			word = "covers"
		}
		line("")
		line("  %-8s%s", word, one.fullName())
		for _, why := range one.Against {
			line("          %s", why.Text)
		}
		if e := &one.exemption; one.Covers {
			line("          until %s, for another %s", exempt.Moment(e.ExpiresAt), exempt.Span(e.ExpiresAt.Sub(a.Now())))
			line("          %s: %s", e.Owner, e.Reason)
			if e.Ticket != "" {
				line("          ticket %s", e.Ticket)
			}
		}
	}
	_, err := fmt.Fprint(a.Out, b.String())
	return err
}

func (c *consideration) fullName() string {
	if c.Namespace == "" {
		return c.Name
	}
	return c.Namespace + "/" + c.Name
}
