// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"sync"
	"time"
)

// quietFor is how long nothing is said of what was said of once: anybody can have it said.
const quietFor = time.Minute

// seldom counts what is said once in a while. Safe for concurrent use.
type seldom struct {
	mu    sync.Mutex
	until time.Time
	more  int
}

// say tells whether it is time to say something, and how often it was not since the last
// time.
func (s *seldom) say(now time.Time) (more int, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.until) {
		s.more++
		return 0, false
	}
	more, s.more, s.until = s.more, 0, now.Add(quietFor)
	return more, true
}
