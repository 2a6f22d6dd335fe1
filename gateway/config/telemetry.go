// SPDX-License-Identifier: Apache-2.0

package config

import "net/netip"

// Telemetry says what is told of requests, and to whom.
type Telemetry struct {
	Decisions Decisions `yaml:"decisions,omitempty"`
	Tracing   *Tracing  `yaml:"tracing,omitempty"`
	// Metrics is where Prometheus, and probes of health and readiness, are answered.
	// The zero value is nowhere.
	Metrics netip.AddrPort `yaml:"metrics,omitempty"`
	// Admin answers with the effective configuration and profiles. It is an address
	// of the loopback; the zero value is nowhere.
	Admin netip.AddrPort `yaml:"admin,omitempty"`
}

// Decisions say how each request is written down: one line of JSON.
type Decisions struct {
	To     string   `yaml:"to,omitempty"`      // stdout (default), off, or the name of a file that lines are added to
	Client string   `yaml:"client,omitempty"`  // Full (default), Prefix (/24, /48), Off: how addresses of clients are told
	Query  string   `yaml:"query,omitempty"`   // Off (default), Names (of the parameters), Full
	Header []string `yaml:"headers,omitempty"` // of requests; never those that hold credentials
	// Gateway is told in each line, where several gateways write to one place; "" is not told.
	Gateway string `yaml:"gateway,omitempty"`
	// Key makes the hash by which one principal is told from another. A file gives a
	// file name. Without one, a key is made when the process begins.
	KeyFile string `yaml:"keyFile,omitempty"`
	Key     Secret `yaml:"-"`
}

// Tracing sends spans by OTLP over HTTP.
type Tracing struct {
	Endpoint string  `yaml:"endpoint"`          // such as http://collector:4318
	Ratio    float64 `yaml:"ratio"`             // of the requests that begin a trace here, 0 to 1
	Service  string  `yaml:"service,omitempty"` // gatehouse-gateway
}
