// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/go-logr/logr"
)

// ending is how the program ends once it is told to.
type ending struct {
	// linger is how long connections are taken as before, though probes say that this process
	// is not ready: whoever sends clients here learns of its end a moment later.
	linger time.Duration
	// drain is how long requests under way may take after that.
	drain time.Duration
}

// begin returns when connections are to be taken no more.
func (e ending) begin(log logr.Logger) {
	log.Info("ending", "linger", e.linger.String(), "drain", e.drain.String())
	if e.linger > 0 {
		<-time.After(e.linger) // nothing tells when the last of the others knows
	}
}
