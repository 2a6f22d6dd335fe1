// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func (v *validator) backend(path string, b *Backend, certificates map[string]bool) {
	v.oneOf(path+".protocol", b.Protocol, "", "http1", "h2c", "h2")
	for k, e := range b.Endpoints {
		if !e.IsValid() || e.Port() == 0 {
			v.fault(fmt.Sprintf("%s.endpoints[%d]", path, k), "it is no address with a port")
		}
	}
	v.oneOf(path+".balance", b.Balance, "", "LeastRequest", "RoundRobin", "Random")
	v.oneOf(path+".allUnhealthy", b.AllUnhealthy, "", "Serve", "Refuse")
	v.notNegative(path+".breaker", map[string]int64{"requests": int64(b.Breaker.Requests), "connections": int64(b.Breaker.Connections), "pending": int64(b.Breaker.Pending)})
	if b.Breaker.Connections > 0 && b.Protocol != "" && b.Protocol != "http1" {
		v.fault(path+".breaker.connections", "requests share connections of %s: bound the requests", b.Protocol)
	}
	if b.Breaker.Pending > 0 && b.Breaker.Requests == 0 && b.Breaker.Connections == 0 {
		v.fault(path+".breaker.pending", "nothing waits without a bound of requests or connections")
	}
	if o := b.Outlier; o != nil {
		v.notNegative(path+".outlier", map[string]int64{"failures": int64(o.Failures)})
		v.between(path+".outlier.maxEjected", o.MaxEjected, 0, 100)
	}
	if b.Health != nil {
		v.health(path+".health", b.Health)
	}
	if (b.Protocol == "h2c" && b.TLS != nil) || (b.Protocol == "h2" && b.TLS == nil) {
		v.fault(path+".protocol", "h2 is HTTP/2 by tls, and h2c is without it")
	}
	if b.TLS != nil {
		v.backendTLS(path+".tls", b.TLS, certificates)
	}
}

func (v *validator) health(path string, h *Health) {
	if h.Path != "" {
		p, query, _ := strings.Cut(h.Path, "?")
		v.path(path+".path", p)
		if form, refusal := request.Query(query); refusal != nil || form != query {
			v.fault(path+".path", "%q is no query", query)
		}
	} else if h.Host != "" || len(h.Statuses) > 0 {
		v.fault(path, "host and statuses need a path")
	}
	if h.Host != "" {
		if _, _, refusal := request.Host(h.Host); refusal != nil {
			v.fault(path+".host", "%q is no host", h.Host)
		}
	}
	for i, s := range h.Statuses {
		v.between(fmt.Sprintf("%s.statuses[%d]", path, i), s, 200, 599)
	}
	v.between(path+".unhealthy", h.Unhealthy, 0, 1000)
	v.between(path+".healthy", h.Healthy, 0, 1000)
}

// maxAttempts bounds retries: more of them help nobody.
const maxAttempts = 10

func (v *validator) retry(path string, r *Retry) {
	v.between(path+".attempts", r.Attempts, 0, maxAttempts)
	v.between(path+".budget", r.Budget, 0, 100)
	v.oneOf(path+".methods", r.Methods, "", "Idempotent", "Any")
	for i, on := range r.On {
		if status, err := strconv.Atoi(on); !slices.Contains([]string{"connect-failure", "reset-before-answer", "attempt-timeout"}, on) && (err != nil || status < 400 || status > 599) {
			v.fault(fmt.Sprintf("%s.on[%d]", path, i), "%.80q is none of connect-failure, reset-before-answer, attempt-timeout, and a status of 400 to 599", on)
		}
	}
}

func (v *validator) between(path string, value, least, most int) {
	if value < least || value > most {
		v.fault(path, "%d is not between %d and %d", value, least, most)
	}
}
