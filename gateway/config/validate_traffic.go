// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/condition"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/schedule"
)

// Bounds of limits, which are far beyond what anybody means.
const (
	maxRequests  = 1_000_000_000
	maxPer       = 366 * 24 * time.Hour
	maxLimits    = 16 // of a policy: each costs time on every request
	maxVariants  = 32 // tiers of a limit, and schedules
	maxWait      = 5 * time.Minute
	minShared    = 10 * time.Microsecond // between two requests that a store counts: more than a server can count
	maxKeyParts  = 8
	sharedAtMost = "100,000 in a second"
)

func (v *validator) traffic(path string, p *TrafficPolicy, stores map[string]bool) {
	v.oneOf(path+".mode", string(p.Mode), "", string(Enforced), string(Default))
	names(v, path+".rateLimits", p.RateLimits, func(l *RateLimit) string { return l.Name })
	if n := len(p.RateLimits); n == 0 && p.Concurrency == nil && p.Unresolved == "" || n > maxLimits {
		v.fault(path+".rateLimits", "there are %d, and a policy has 1 to %d, or concurrency", n, maxLimits)
	}
	shared := false
	for i := range p.RateLimits {
		shared = shared || p.RateLimits[i].Scope == Gateway
		v.rateLimit(fmt.Sprintf("%s.rateLimits[%d]", path, i), &p.RateLimits[i])
	}
	if c := p.Concurrency; c != nil {
		if c.Requests < 1 || c.Requests > maxRequests {
			v.fault(path+".concurrency.requests", "%d is not between 1 and %d", c.Requests, maxRequests)
		}
		v.key(path+".concurrency.key", c.Key)
	}
	switch {
	case shared:
		v.known(path+".store", "store", p.Store, stores)
		v.oneOf(path+".onStoreFailure", p.OnStoreFailure, "Deny", "Local")
	case p.Store != "" || p.OnStoreFailure != "":
		v.fault(path, "it has a store or onStoreFailure, and no limit whose scope is %s", Gateway)
	}
}

func (v *validator) rateLimit(at string, l *RateLimit) {
	v.oneOf(at+".scope", l.Scope, "", Replica, Gateway)
	v.key(at+".key", l.Key)
	shared := l.Scope == Gateway
	v.limit(at+".limit", l.Limit, shared)
	e := &l.OnExceed
	v.oneOf(at+".onExceed.action", e.Action, "", Reject, Queue, Shadow)
	switch {
	case e.Action == Queue && (e.MaxWait < Duration(time.Millisecond) || time.Duration(e.MaxWait) > maxWait):
		v.fault(at+".onExceed.maxWait", "it is not between 1ms and %s", maxWait)
	case e.Action != Queue && (e.MaxWait != 0 || e.MaxQueued != 0):
		v.fault(at+".onExceed", "only %s has maxWait and maxQueued", Queue)
	}
	if e.MaxQueued < 0 || e.MaxQueued > maxRequests {
		v.fault(at+".onExceed.maxQueued", "%d is not between 0 and %d", e.MaxQueued, maxRequests)
	}
	if len(l.Tiers) > maxVariants || len(l.Schedules) > maxVariants {
		v.fault(at, "there are %d tiers and %d schedules, and %d of each may be", len(l.Tiers), len(l.Schedules), maxVariants)
	}
	for i := range l.Tiers {
		where := fmt.Sprintf("%s.tiers[%d]", at, i)
		if _, err := condition.Bool(l.Tiers[i].When); err != nil {
			v.fault(where+".when", "%v", err)
		}
		v.limit(where, l.Tiers[i].Limit, shared)
	}
	for i := range l.Schedules {
		where, s := fmt.Sprintf("%s.schedules[%d]", at, i), &l.Schedules[i]
		if _, err := schedule.Parse(s.Spec()); err != nil {
			v.fault(where, "%v", err)
		}
		v.limit(where, s.Limit, shared)
	}
}

// Spec is what package schedule reads.
func (s *Schedule) Spec() schedule.Spec {
	return schedule.Spec{Days: s.Days, From: s.From, To: s.To, Cron: s.Cron, For: time.Duration(s.For), Zone: s.TimeZone}
}

func (v *validator) limit(at string, l Limit, shared bool) {
	if l.Requests < 1 || l.Requests > maxRequests {
		v.fault(at+".requests", "%d is not between 1 and %d", l.Requests, maxRequests)
	}
	if l.Per < 1 || time.Duration(l.Per) > maxPer {
		v.fault(at+".per", "it is not between 1ns and %s", maxPer)
	}
	if l.Burst < 0 || l.Burst > maxRequests {
		v.fault(at+".burst", "%d is not between 0 and %d", l.Burst, maxRequests)
	}
	if shared && l.Requests > 0 && time.Duration(l.Per)/time.Duration(l.Requests) < minShared {
		v.fault(at, "a store counts no more than %s", sharedAtMost)
	}
}

// key checks the parts of a key.
func (v *validator) key(at string, parts []string) {
	if len(parts) > maxKeyParts {
		v.fault(at, "there are %d parts, and %d may be", len(parts), maxKeyParts)
	}
	for i, part := range parts {
		where := fmt.Sprintf("%s[%d]", at, i)
		kind, name, named := strings.Cut(part, ":")
		switch {
		case kind == "header" && named:
			v.headerName(where, name)
			v.arrives(where, name) // or else all clients would share one bucket
		case kind == "claim" && named:
			if name == "" || len(name) > maxName {
				v.fault(where, "it is no name of a claim")
			}
		case kind == "cel" && named:
			if _, err := condition.Text(strings.TrimSpace(name)); err != nil {
				v.fault(where, "%v", err)
			}
		default:
			v.oneOf(where, part, "client.ip", "host", "method", "path", "principal", "header:NAME", "claim:NAME", "cel:EXPRESSION")
		}
	}
}

// attached checks the policies that something names.
func (v *validator) attached(path, what string, list []string, policies map[string]bool) {
	for i, name := range list {
		v.known(fmt.Sprintf("%s[%d]", path, i), what, name, policies)
	}
}
