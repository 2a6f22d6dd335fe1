// SPDX-License-Identifier: Apache-2.0

// Package conformance runs the conformance suite of the Gateway API against
// gatehouse-gateway on a node of test/node: `make conformance`. It is a module of
// its own, since the suite depends on more than the gateway has a use for.
package conformance
