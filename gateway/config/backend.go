// SPDX-License-Identifier: Apache-2.0

package config

// BackendTimeouts bound how long one attempt at a backend may take. What a whole
// request may take is its route's Timeout.
type BackendTimeouts struct {
	Connect  Duration `yaml:"connect,omitempty"`  // for a connection: 5 s
	Response Duration `yaml:"response,omitempty"` // from the request to the head of the response: 0 is none
}

// Breaker bounds what a backend is given at once. The zero of each is no bound.
type Breaker struct {
	Requests    int      `yaml:"requests,omitempty"`    // under way, of the backend
	Connections int      `yaml:"connections,omitempty"` // in use, of each endpoint; of http1 only
	Pending     int      `yaml:"pending,omitempty"`     // requests that wait for others to end; 0: none waits
	Wait        Duration `yaml:"wait,omitempty"`        // for so long at most: 1 s
}

// Outlier takes an endpoint out that fails: no connection, no answer in time, an answer
// that is none, or 502, 503, 504. It is tried again with one request at a time.
type Outlier struct {
	Failures   int      `yaml:"failures,omitempty"`   // in a row: 5
	Ejection   Duration `yaml:"ejection,omitempty"`   // for so long, and longer each time, up to ten times: 30 s
	MaxEjected int      `yaml:"maxEjected,omitempty"` // percent of the endpoints that are out at once: 50
}

// Health asks each endpoint whether it is well. An endpoint that has not been asked yet
// is taken for well.
type Health struct {
	Path      string   `yaml:"path,omitempty"`      // asked for by GET; "" only opens a connection
	Host      string   `yaml:"host,omitempty"`      // the endpoint's address
	Statuses  []int    `yaml:"statuses,omitempty"`  // that are well: 200 to 299
	Interval  Duration `yaml:"interval,omitempty"`  // 10 s, a fifth more or less
	Timeout   Duration `yaml:"timeout,omitempty"`   // 1 s
	Unhealthy int      `yaml:"unhealthy,omitempty"` // failures in a row that make it unhealthy: 3
	Healthy   int      `yaml:"healthy,omitempty"`   // successes in a row that make it well again: 2
}

// Retry sends a request again, to another endpoint if there is one.
type Retry struct {
	Attempts int `yaml:"attempts"` // beside the first; 0: none
	// On are connect-failure, which is the default, reset-before-answer, attempt-timeout
	// (no head of a response in AttemptTimeout, or the backend's own), and statuses of 400
	// to 599.
	On []string `yaml:"on,omitempty"`
	// Methods are Idempotent (default: GET, HEAD, OPTIONS, PUT, DELETE) or Any. A request
	// that was not sent is tried again whatever it is; one whose body is longer than 16
	// KiB, or of unknown length, only then.
	Methods string   `yaml:"methods,omitempty"`
	Budget  int      `yaml:"budget,omitempty"`  // percent of the backend's requests that may be tries at once, but three always: 20
	Backoff Duration `yaml:"backoff,omitempty"` // at least, before the first, twice as long before each further, up to a half more: 25 ms
}
