// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The API server passes on at most 4096 characters of warnings, and cuts single
// ones beyond that to 256. kubectl users lose the end of long lines, so each
// stays below the second limit and all of them below the first.
// https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/endpoints/filters/warning.go
const (
	maxWarning  = 250
	maxWarnings = 3800
	maxShown    = 8       // findings spelled out in a refusal
	maxAudit    = 4 << 10 // bytes of the audit annotation
)

// answerOf turns a verdict into the words of an answer.
func answerOf(r Review, o inventory.Object, v policy.Verdict, s scope) Answer {
	a := Answer{Allowed: !v.Denied(), Warnings: warnings(v, s)}
	if len(v) > 0 {
		a.Annotations = map[string]string{"findings": auditLine(v)}
	}
	if !a.Allowed {
		a.Message = refusal(r, o, v.With(checks.Deny))
	}
	return a
}

// refusal is what kubectl prints after "denied the request: ".
func refusal(r Review, o inventory.Object, denied policy.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s breaks %s:\n", clip(checks.Plain(inventory.KeyOf(o).String()), maxWarning), count(len(denied), "rule"))
	for i, j := range denied {
		if i == maxShown {
			fmt.Fprintf(&b, "\n... and %d more; `gatehouse check` on the file lists them all\n", len(denied)-maxShown)
			break
		}
		writeFinding(&b, j)
	}
	fmt.Fprintf(&b, "\n`gatehouse explain %s` says why, and what justifies an exemption; ask the owners of this cluster's CheckPolicy for one.\n(request %s)", denied[0].Check, checks.Plain(r.UID))
	return b.String()
}

func writeFinding(b *strings.Builder, j policy.Judged) {
	fmt.Fprintf(b, "\n* %s %s (%s)", j.Check, j.Name, j.Severity)
	if j.Field != "" {
		fmt.Fprintf(b, " at %s", j.Field)
	}
	fmt.Fprintf(b, "\n    %s\n", j.Message)
	if len(j.Path) > 0 {
		fmt.Fprintf(b, "    Path:     %s\n", strings.Join(j.Path, " -> "))
	}
	if j.Attack != "" {
		fmt.Fprintf(b, "    Attacker: %s\n", j.Attack)
	}
	fmt.Fprintf(b, "    Change:   %s\n", j.Fix)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// warnings spells out what is accepted with a warning. In a namespace that
// enforces, a fault that an update keeps is told as such.
func warnings(v policy.Verdict, s scope) []string {
	var out []string
	total, left := 0, 0
	add := func(line string) {
		line = clip(strings.ReplaceAll(line, "\n", " "), maxWarning)
		if total+len(line) > maxWarnings {
			left++
			return
		}
		total += len(line)
		out = append(out, line)
	}
	if s.warning != "" && s.mode != policy.AuditOnly {
		add("gatehouse: " + s.warning)
	}
	for _, j := range v {
		if j.Action != checks.Warn {
			continue
		}
		kept := ""
		if j.Known {
			kept = " (not new)"
		}
		where := ""
		if j.Field != "" {
			where = " " + j.Field
		}
		add(fmt.Sprintf("%s %s%s:%s %s", j.Check, j.Name, kept, where, j.Message))
	}
	if left > 0 {
		out = append(out, fmt.Sprintf("gatehouse: and %s more", count(left, "finding")))
	}
	return out
}

// auditLine is the value of the audit annotation: every finding, in the order
// of the verdict, without messages.
func auditLine(v policy.Verdict) string {
	var b strings.Builder
	for i, j := range v {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s %s", j.Action, j.Check, j.Subject)
		if j.Exemption != "" {
			fmt.Fprintf(&b, " (exemption %s)", j.Exemption)
		}
		if b.Len() > maxAudit {
			fmt.Fprintf(&b, "; and %d more", len(v)-i-1)
			break
		}
	}
	return b.String()
}

// clip cuts a text at a character boundary and marks the cut.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("...")
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "..."
}
