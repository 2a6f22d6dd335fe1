// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"testing"
	"time"
)

// tryEvery is the least time between two tries: short against what a cluster
// takes to answer, long against a try in memory.
const tryEvery = 10 * time.Millisecond

// Eventually calls try until it returns nil. A try that begins within the limit is
// awaited, however long it takes; when it fails after the limit, the test fails
// with its error. what says as a clause what is waited for: "the webhook is
// ready". try runs on the goroutine of the test, so it may end the test itself.
//
// Between two tries it pauses as long as a try took, so that what is waited for
// has at least half of a processor.
func Eventually(t testing.TB, limit time.Duration, what string, try func() error) {
	t.Helper()
	for end := time.Now().Add(limit); ; {
		began := time.Now()
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s: %v", limit, what, err)
		}
		<-time.After(max(tryEvery, time.Since(began)))
	}
}

var errNotYet = errors.New("it is not so")

// Holds makes a try for Eventually of a condition that only says yes or no.
func Holds(condition func() bool) func() error {
	return func() error {
		if !condition() {
			return errNotYet
		}
		return nil
	}
}
