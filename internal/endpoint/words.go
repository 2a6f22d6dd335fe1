// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// matchesOf are the matches of a route in words, in their order; none is every request.
func matchesOf(list []config.Match) []string {
	out := make([]string, 0, len(list))
	for i := range list {
		text := matchText(&list[i])
		if text == everyPath {
			return []string{}
		}
		out = append(out, text)
	}
	return out
}

// everyPath is a match of every request.
const everyPath = "/**"

// matchText is a match in words: "GET /orders/** with header X-Version: 2". An exact path
// stands as it is, "/**" is what is below a prefix, and an expression has "~" before it.
func matchText(m *config.Match) string {
	path := everyPath
	switch {
	case m.Path.Exact != "":
		path = m.Path.Exact
	case m.Path.Regex != "":
		path = "~" + m.Path.Regex
	case m.Path.Prefix != "":
		path = strings.TrimSuffix(m.Path.Prefix, "/") + everyPath
	}
	if m.Method != "" {
		path = m.Method + " " + path
	}
	with := make([]string, 0, len(m.Headers)+len(m.Query))
	for _, h := range m.Headers {
		with = append(with, "header "+valueText(&h))
	}
	for _, q := range m.Query {
		with = append(with, "parameter "+valueText(&q))
	}
	if len(with) > 0 {
		path += " with " + strings.Join(with, " and ")
	}
	return path
}

// valueText leaves out what the value is: it may be a secret that opens a route.
func valueText(v *config.ValueMatch) string {
	if v.Regex != "" {
		return v.Name + " of a form"
	}
	return v.Name + " of a value"
}

// limitText is a limit of a policy in words: "100 in 1m, 20 at once, for each client.ip,
// counted by all replicas together, 503 without their store".
func limitText(p *config.TrafficPolicy, l *config.RateLimit) string {
	out := fmt.Sprintf("%d in %s", l.Limit.Requests, durationText(l.Limit.Per))
	if l.Limit.Burst > 0 {
		out += fmt.Sprintf(", %d at once", l.Limit.Burst)
	}
	if len(l.Key) == 0 {
		out += ", all together"
	} else {
		out += ", for each " + strings.Join(l.Key, " and ")
	}
	if len(l.Tiers)+len(l.Schedules) > 0 {
		out += fmt.Sprintf(", else as %d tiers and %d schedules say", len(l.Tiers), len(l.Schedules))
	}
	if l.Scope == config.Gateway {
		without := "503"
		if p.OnStoreFailure == "Local" {
			without = "by each for itself"
		}
		out += ", counted by all replicas together, " + without + " without their store"
	}
	if l.OnExceed.Action == config.Shadow {
		out += ", only told (Shadow)"
	}
	return out
}

// durationText is a time without what is nothing of it: "1m", "1h30m".
func durationText(d config.Duration) string {
	out := time.Duration(d).String()
	if strings.HasSuffix(out, "m0s") {
		out = strings.TrimSuffix(out, "0s")
	}
	if strings.HasSuffix(out, "h0m") {
		out = strings.TrimSuffix(out, "0m")
	}
	return out
}

// sortedKeys are the keys of a map, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
