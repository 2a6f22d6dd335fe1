// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// Bounds of the annotation, in bytes: a person reads a page of it, and all
// annotations of an object together may have 256 KiB (apimachinery,
// TotalAnnotationSizeLimitB).
const (
	maxBecause = 4 << 10
	maxReason  = 400
)

// Because says for every edge of a policy, or of the part of it that an object
// is, why it is allowed: one line each, in order. How often and when a flow was
// seen is left out: the policy would change whenever another one is.
func Because(p *compact.Policy, edges []*generator.Edge) string {
	if len(p.Rules) == 0 {
		whose := "every pod of " + p.Namespace
		if p.Namespace == "" {
			whose = "every pod"
		}
		return whose + ": what no other policy allows is denied (" + p.Direction.String() + ")"
	}
	edges = slices.Clone(edges)
	slices.SortFunc(edges, func(a, b *generator.Edge) int { return a.Compare(*b) })
	edges = slices.Compact(edges)
	lines, length := make([]string, 0, len(edges)), 0
	for i, e := range edges {
		line := reason(e)
		rest := fmt.Sprintf("and %d more", len(edges)-i)
		if length+len(line)+len("\n")+len(rest) > maxBecause {
			lines = append(lines, rest)
			break
		}
		lines = append(lines, line)
		length += len(line) + len("\n")
	}
	return strings.Join(lines, "\n") // exactly as long as it is: there is one for each policy of a cluster
}

// reason is one edge and its evidence: what it is, from where, and what stands
// there.
func reason(e *generator.Edge) string {
	words := make([]string, 0, len(e.Because))
	for _, w := range e.Because {
		words = append(words, clean(w.String()))
	}
	slices.Sort(words)
	line := e.String() + ": " + strings.Join(slices.Compact(words), "; ")
	if len(line) > maxReason {
		cut := maxReason - len("…")
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		line = line[:cut] + "…"
	}
	return line
}

// userinfo is a name and a password in an address (RFC 3986 §3.2.1).
var userinfo = regexp.MustCompile(`://[^/?#\s]*@`)

// clean leaves out what a line cannot hold, and passwords in addresses: sources
// do not put values into evidence, and this is read by everybody who may list
// policies.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	return userinfo.ReplaceAllString(text, "://…@")
}
