// SPDX-License-Identifier: Apache-2.0

// Package shared counts requests in a Redis that several processes share: one call
// of one script for all limits of a request, which counts by all of them or by none.
// The clock is the server's, so those of the processes may differ.
//
// Nobody waits for a server that does not answer, but for the few that find out:
// after that every call fails at once, until the server has answered a question of
// its own. What a failure means for a request is the caller's to say.
//
// What is written to Redis are digests of keys and moments: who can read them finds
// out who asked only by guessing, and not without the secret if there is one.
package shared
