// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// readTraffic reads a TrafficPolicy.
func (p *policy) readTraffic(spec *v1alpha1.TrafficPolicySpec) {
	out := &config.TrafficPolicy{Name: p.label(), Mode: p.mode, OnStoreFailure: string(spec.OnStoreFailure)}
	p.traffic = out
	for i := range spec.RateLimits {
		l := &spec.RateLimits[i]
		made := config.RateLimit{
			Name: l.Name, Key: l.Key, Limit: p.limit(&l.Limit), Scope: string(l.Scope),
			OnExceed: config.OnExceed{Action: l.OnExceed.Action, MaxWait: p.duration(l.OnExceed.MaxWait), MaxQueued: int(l.OnExceed.MaxQueued)},
		}
		for k := range l.Tiers {
			made.Tiers = append(made.Tiers, config.Tier{When: l.Tiers[k].When, Limit: p.limit(&l.Tiers[k].Limit)})
		}
		for k := range l.Schedules {
			s := &l.Schedules[k]
			made.Schedules = append(made.Schedules, config.Schedule{Days: s.Days, From: s.From, To: s.To, Cron: s.Cron, For: p.duration(s.For), TimeZone: s.TimeZone, Limit: p.limit(&s.Limit)})
		}
		if made.Scope == config.Gateway {
			out.Store = storeName
		}
		out.RateLimits = append(out.RateLimits, made)
	}
	if c := spec.Concurrency; c != nil {
		out.Concurrency = &config.Concurrency{Requests: int(c.Requests), Key: c.Key}
	}
	if p.broken == "" {
		alone := &config.Snapshot{TrafficPolicies: []config.TrafficPolicy{*out}}
		if out.Store != "" { // which is judged by itself
			alone.Stores = []config.Store{{Name: storeName, Redis: &config.Redis{Address: "store:1"}}}
		}
		p.judge(alone, config.Route{Traffic: []string{out.Name}})
	}
}

func (p *policy) limit(l *v1alpha1.Limit) config.Limit {
	return config.Limit{Requests: int(l.Requests), Per: p.duration(l.Per), Burst: int(l.Burst)}
}
