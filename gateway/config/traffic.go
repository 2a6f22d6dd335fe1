// SPDX-License-Identifier: Apache-2.0

package config

// TrafficPolicy says how many requests may come, and how many may be under way.
type TrafficPolicy struct {
	Name       string      `yaml:"name"`
	Mode       Mode        `yaml:"mode,omitempty"`
	RateLimits []RateLimit `yaml:"rateLimits,omitempty"`
	// Store is where limits whose scope is Gateway are counted, by name, and
	// OnStoreFailure what they do while it does not answer: Deny answers 503, Local
	// counts in each process by itself. With such limits both must be given.
	Store          string       `yaml:"store,omitempty"`
	OnStoreFailure string       `yaml:"onStoreFailure,omitempty"`
	Concurrency    *Concurrency `yaml:"concurrency,omitempty"`

	// Unresolved is why the policy cannot be kept: every request is answered 503 then. A
	// file never says it.
	Unresolved string `yaml:"-"`
}

// Mode is what a policy of a listener is to the policies of its routes.
type Mode string

// Enforced, which the zero value is as well, is a floor: a route can add, and
// never take away. A Default holds for routes that name no policy of their own.
const (
	Enforced Mode = "Enforced"
	Default  Mode = "Default"
)

// RateLimit is a number of requests for each key.
type RateLimit struct {
	Name string `yaml:"name"`
	// Key are what a request must have in common with another one to be counted
	// together with it: client.ip, host, method, path, header:NAME, principal,
	// claim:NAME, or cel: and an expression. None counts all together. A request that
	// lacks one of them is counted with the others that lack it.
	Key   []string `yaml:"key,omitempty"`
	Limit Limit    `yaml:"limit"`
	// Tiers hold in the place of Limit for requests that they fit, the first that
	// does; where none does, so do Schedules, and where none of these does, Limit.
	Tiers     []Tier     `yaml:"tiers,omitempty"`
	Schedules []Schedule `yaml:"schedules,omitempty"`
	// Scope is who counts together: Replica (default), which is one process, or
	// Gateway, which is all that have the policy's store.
	Scope    string   `yaml:"scope,omitempty"`
	OnExceed OnExceed `yaml:"onExceed,omitempty"`
}

// Scopes of a RateLimit.
const (
	Replica = "Replica"
	Gateway = "Gateway"
)

// Limit is so many requests in a time, evenly.
type Limit struct {
	Requests int      `yaml:"requests"`
	Per      Duration `yaml:"per"`
	Burst    int      `yaml:"burst,omitempty"` // that may come at once; 0 is Requests
}

// Tier is the limit of requests for which an expression is true.
type Tier struct {
	When  string `yaml:"when"`
	Limit `yaml:",inline"`
}

// Schedule is the limit of a time that comes again: see package schedule.
type Schedule struct {
	Days     []string `yaml:"days,omitempty"`
	From     string   `yaml:"from,omitempty"`
	To       string   `yaml:"to,omitempty"`
	Cron     string   `yaml:"cron,omitempty"`
	For      Duration `yaml:"for,omitempty"`
	TimeZone string   `yaml:"timeZone,omitempty"` // "" is UTC
	Limit    `yaml:",inline"`
}

// OnExceed is what becomes of a request too many.
type OnExceed struct {
	// Action is Reject (default), which answers 429; Queue, which lets it wait for its
	// turn; or Shadow, which lets it pass and tells of it.
	Action    string   `yaml:"action,omitempty"`
	MaxWait   Duration `yaml:"maxWait,omitempty"`   // of Queue: at most 5 min
	MaxQueued int      `yaml:"maxQueued,omitempty"` // of Queue: requests of one key that wait; 0 is 100
}

// Actions of OnExceed.
const (
	Reject = "Reject"
	Queue  = "Queue"
	Shadow = "Shadow"
)

// Concurrency is how many requests of each key may be under way: those that wait,
// and connections that have become WebSockets, too.
type Concurrency struct {
	Requests int      `yaml:"requests"`
	Key      []string `yaml:"key,omitempty"` // as of a RateLimit
}

// Store is where several processes count together.
type Store struct {
	Name  string `yaml:"name"`
	Redis *Redis `yaml:"redis"`
}

// Redis is a server that speaks its protocol: a single one, or one of a cluster.
type Redis struct {
	Address  string    `yaml:"address"` // host:port, or unix:/path
	TLS      *RedisTLS `yaml:"tls,omitempty"`
	Database int       `yaml:"database,omitempty"`
	Prefix   string    `yaml:"prefix,omitempty"`  // of all keys: gatehouse
	Timeout  Duration  `yaml:"timeout,omitempty"` // of a call: 100 ms
	// Files of the name and the password, and of a secret with which keys are hashed,
	// so that nobody who reads them can guess who asked. All replicas need the same
	// one. A line break at the end does not count.
	UsernameFile string `yaml:"usernameFile,omitempty"`
	PasswordFile string `yaml:"passwordFile,omitempty"`
	SecretFile   string `yaml:"secretFile,omitempty"`
	Username     string `yaml:"-"`
	Password     Secret `yaml:"-"`
	Secret       Secret `yaml:"-"`
}

// RedisTLS is how a Redis is known, and what it is shown.
type RedisTLS struct {
	CAFile     string `yaml:"caFile,omitempty"`     // PEM; none: those of the system
	ServerName string `yaml:"serverName,omitempty"` // none: that of the address
	CertFile   string `yaml:"certFile,omitempty"`
	KeyFile    string `yaml:"keyFile,omitempty"`
	CA         []byte `yaml:"-"`
	Cert       []byte `yaml:"-"`
	Key        Secret `yaml:"-"`
}
