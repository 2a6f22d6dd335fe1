// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"cmp"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// settings are what a backend's configuration says beside its addresses.
type settings struct {
	balance     string
	connect     time.Duration
	response    time.Duration
	requests    int
	connections int // of each endpoint
	pending     int
	wait        time.Duration
	outlier     *outlier // nil: none is ejected
	refuse      bool     // when all are unhealthy
	choosy      bool     // not every endpoint may be taken
}

type outlier struct {
	failures   int32
	ejection   time.Duration
	maxEjected int // percent
}

func settingsOf(b *config.Backend) *settings {
	s := &settings{
		balance: b.Balance, connect: b.Timeouts.Connect.Or(dialTimeout), response: time.Duration(b.Timeouts.Response),
		requests: b.Breaker.Requests, connections: b.Breaker.Connections, pending: b.Breaker.Pending, wait: b.Breaker.Wait.Or(time.Second),
		refuse: b.AllUnhealthy == "Refuse",
	}
	if o := b.Outlier; o != nil {
		s.outlier = &outlier{failures: int32(min(cmp.Or(o.Failures, 5), 1<<20)), ejection: o.Ejection.Or(30 * time.Second), maxEjected: cmp.Or(o.MaxEjected, 50)} //nolint:gosec // it is bounded
	}
	s.choosy = s.outlier != nil || b.Health != nil || s.connections > 0
	return s
}
