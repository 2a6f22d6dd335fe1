// SPDX-License-Identifier: Apache-2.0

package inventory

import "context"

// Until returns a view of the same version whose look-ups of more than one object
// find nothing any more once a context has ended, so that whoever walks over them
// comes to an end soon. What was worked out by then may be wrong: it must be thrown
// away (Ended), and Once does not keep it. Views that are made of it end with it.
func (inv *Inventory) Until(ctx context.Context) *Inventory {
	out := *inv
	out.until = ctx
	return &out
}

// Context returns the context of Until; that of a view without an end never ends.
func (inv *Inventory) Context() context.Context {
	if inv.until == nil {
		return context.Background()
	}
	return inv.until
}

// Ended reports whether the context of Until has ended. Loops that take long without
// a look-up ask between their rounds; it costs a few nanoseconds.
func (inv *Inventory) Ended() bool { return inv.until != nil && inv.until.Err() != nil }

// ending is yield until the end.
func (inv *Inventory) ending(yield func(*Entry) bool) func(*Entry) bool {
	if inv.until == nil {
		return yield
	}
	return func(e *Entry) bool { return inv.until.Err() == nil && yield(e) }
}
