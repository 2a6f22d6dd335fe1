// SPDX-License-Identifier: Apache-2.0

// Package condition evaluates expressions about a request and who makes it, in CEL
// (https://cel.dev). What an expression may cost is bounded: by what can be written
// at all, and by a count while it runs. An expression that fails has no value, and
// who asked must refuse.
package condition
