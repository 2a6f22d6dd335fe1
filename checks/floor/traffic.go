// SPDX-License-Identifier: Apache-2.0

package floor

import "cmp"

// traffic compares what two TrafficPolicies say but their targets and modes.
func (d *weakening) traffic(before, after map[string]any) {
	was, is := named(before["rateLimits"]), named(after["rateLimits"])
	for _, name := range union(was, is) {
		at := "spec.rateLimits[" + name + "]"
		switch {
		case was[name] == nil:
		case is[name] == nil:
			d.add(at, "drops the limit "+quotedName(name))
		default:
			d.rateLimit(at, was[name], is[name], text(after["onStoreFailure"]))
		}
	}
	d.shared(text(before["onStoreFailure"]), text(after["onStoreFailure"]))
	if before["concurrency"] == nil {
		return
	}
	old, now := child(before, "concurrency"), child(after, "concurrency")
	if now == nil {
		d.add("spec.concurrency", "drops the bound of requests under way")
		return
	}
	d.others("spec.concurrency", old, now, "requests")
	if !atMost(now["requests"], old["requests"]) {
		d.add("spec.concurrency.requests", "lets more requests be under way")
	}
}

// shared allows what limits of scope Gateway do without their store to become stricter:
// Deny in the place of Local. What had no such limits said nothing.
func (d *weakening) shared(before, after string) {
	if before != "" && before != after && after != "Deny" {
		d.add("spec.onStoreFailure", "refuses less while the store of its limits does not answer")
	}
}

// text is a value that the CRD has as one; "" for none.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// rateLimit compares one limit, which does onFailure now while its store does not answer.
func (d *weakening) rateLimit(at string, before, after map[string]any, onFailure string) {
	d.others(at, before, after, "name", "limit", "scope", "onExceed")
	switch was, is := cmp.Or(text(before["scope"]), "Replica"), cmp.Or(text(after["scope"]), "Replica"); {
	case was == is:
	case is != "Gateway":
		d.add(at+".scope", "has each replica count by itself")
	case onFailure != "Deny":
		d.add(at+".scope", "has each replica begin to count anew while the store does not answer")
	}
	old, now := child(before, "limit"), child(after, "limit")
	d.others(at+".limit", old, now, "requests", "per", "burst")
	if !slower(old, now) {
		d.add(at+".limit", "lets more requests come, or more at once")
	}
	d.exceeding(at+".onExceed", child(before, "onExceed"), child(after, "onExceed"))
}

// exceeding allows requests too many to be treated more strictly: Shadow, Queue, Reject.
func (d *weakening) exceeding(at string, before, after map[string]any) {
	strict := map[string]int{"Shadow": 1, "Queue": 2, "Reject": 3}
	action := func(m map[string]any) int {
		return strict[cmp.Or(text(m["action"]), "Reject")]
	}
	old, now := action(before), action(after)
	switch {
	case old == 0 || now == 0 || now < old:
		d.add(at, "treats requests too many more mildly")
	case now == old:
		d.others(at, before, after, "action")
	}
}

// slower reports whether a limit lets no more come than another one in any time.
func slower(old, now map[string]any) bool {
	before, ok1 := number(old["requests"])
	after, ok2 := number(now["requests"])
	per, ok3 := duration(old["per"])
	every, ok4 := duration(now["per"])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return false
	}
	burst := func(m map[string]any, requests int64) int64 {
		if n, given := number(m["burst"]); given {
			return n
		}
		return requests
	}
	return float64(after)/every.Seconds() <= float64(before)/per.Seconds() && burst(now, after) <= burst(old, before)
}

func atMost(v, limit any) bool {
	n, ok := number(v)
	most, known := number(limit)
	return ok && known && n <= most
}
