// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"maps"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// withBackstops gives the checks their part in CEL. It stands beside them and
// not in them: a backstop is made of the same tables as its check, and read
// together with those of the same kind of object.
func withBackstops(list []checks.Check) []checks.Check {
	all := map[string]checks.Backstop{}
	for _, table := range []map[string]checks.Backstop{serviceBackstops(), ingressBackstops(), gatewayBackstops(), routeBackstops(), podBackstops()} {
		maps.Copy(all, table)
	}
	for i := range list {
		if b, has := all[list[i].ID]; has {
			list[i].Backstop = &b
		}
	}
	return list
}

// Expressions that several backstops use.
const (
	annotationsOf = "self.metadata.?annotations.orValue({})"
	labelsOf      = "self.metadata.?labels.orValue({})"
	namespaceOf   = `self.metadata.?namespace.orValue("")`
	typeOfService = `self.spec.?type.orValue("ClusterIP")`
	isBalancer    = typeOfService + ` == "LoadBalancer"`
)

// owned is checks.Gateway.OwnsService.
func owned(p *checks.Parameters) string {
	return cel.All(namespaceOf+" in "+cel.Strings(p.Gateway.Namespaces...),
		"self.metadata.?labels[?"+cel.Quote(checks.GatewayLabel)+`].orValue("") == `+cel.Quote(checks.GatewayLabelValue))
}

// foreign is true of what does not belong to the bundled gateway.
func foreign(p *checks.Parameters) string { return cel.Not(owned(p)) }

// one makes a backstop with one rule, of the check's own severity.
func one(faults func(*checks.Parameters) string) checks.Backstop {
	return checks.Backstop{Rules: func(p *checks.Parameters) []checks.BackstopRule {
		return []checks.BackstopRule{{Faults: faults(p)}}
	}}
}

// partly is a backstop that leaves something to the webhook.
func partly(b checks.Backstop, rest string) checks.Backstop {
	b.Partial = rest
	return b
}

// rules makes a backstop of several rules.
func rules(list func(*checks.Parameters) []checks.BackstopRule) checks.Backstop {
	return checks.Backstop{Rules: list}
}

// graded makes one rule for each part of a table that has entries.
func graded[T any](table []T, severity func(T) checks.Severity, rule func([]T) checks.BackstopRule) []checks.BackstopRule {
	var out []checks.BackstopRule
	for s := checks.SeverityUnset; s <= checks.Critical; s++ {
		var part []T
		for _, entry := range table {
			if severity(entry) == s {
				part = append(part, entry)
			}
		}
		if len(part) > 0 {
			r := rule(part)
			r.Severity = s
			out = append(out, r)
		}
	}
	return out
}

// replaceSelf writes an expression over self for another object.
func replaceSelf(expression, object string) string {
	return strings.ReplaceAll(expression, "self.", object+".")
}

// trueTexts are what strconv.ParseBool takes as true, as a list.
const trueTexts = `["1", "t", "T", "TRUE", "true", "True"]`
