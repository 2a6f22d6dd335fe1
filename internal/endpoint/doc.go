// SPDX-License-Identifier: Apache-2.0

// Package endpoint says of everything that can be reached from outside what is before it
// and what is behind it: listener, TLS, authentication, authorisation, limits, backend,
// NetworkPolicies, the rights of the ServiceAccount and the findings of the checks.
//
// What the gateway serves is read from the snapshots that gateway/translate makes, and
// what becomes of a request is asked of gateway/route, so that the answers are those of
// the data plane. What is not the gateway's is read as checks/exposure reads it.
//
// It takes values and returns values. What is not known is said to be unknown, with the
// reason: it is never taken for good. internal/command calls it.
package endpoint
