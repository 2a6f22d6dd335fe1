// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"

	"github.com/gatehouse-sh/gatehouse/internal/background"
)

// Usage knows which exemptions cover a finding of the cluster. The zero value
// knows nothing. Safe for concurrent use.
type Usage struct {
	mu       sync.Mutex
	complete bool
	by       map[string]map[string]bool // namespace, name of the exemption
}

// Take is a Sink.
func (u *Usage) Take(namespace string, _, after []background.Result) {
	names := map[string]bool{}
	for _, r := range after {
		if r.Exemption != "" {
			names[r.Exemption] = true
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case len(names) == 0:
		delete(u.by, namespace)
	case u.by == nil:
		u.by = map[string]map[string]bool{namespace: names}
	default:
		u.by[namespace] = names
	}
}

// Complete says that everything was judged once.
func (u *Usage) Complete() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.complete = true
}

// Used returns the names of the exemptions that cover something; false while
// that is not known.
func (u *Usage) Used() (map[string]bool, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]bool{}
	for _, names := range u.by {
		for name := range names {
			out[name] = true
		}
	}
	return out, u.complete
}
