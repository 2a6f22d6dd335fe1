// SPDX-License-Identifier: Apache-2.0

package policy

import "sync/atomic"

// Holder publishes the policy in force. Its owner compiles a changed CheckPolicy
// and stores the result; when Compile refuses, it stores nothing, and the last
// good policy stays. Safe for concurrent use: readers take one pointer. A Holder
// must not be copied.
type Holder struct{ current atomic.Pointer[Policy] }

// NewHolder starts with a policy, usually Default.
func NewHolder(initial *Policy) *Holder {
	h := &Holder{}
	h.Store(initial)
	return h
}

// Load returns the policy in force, never nil: a Holder that was given none
// holds the zero Policy, which refuses. A reader that keeps the pointer for the
// length of one request is consistent.
func (h *Holder) Load() *Policy {
	if p := h.current.Load(); p != nil {
		return p
	}
	return &Policy{}
}

// Store puts a policy in force. Nil is not a policy and changes nothing.
func (h *Holder) Store(p *Policy) {
	if p != nil {
		h.current.Store(p)
	}
}
