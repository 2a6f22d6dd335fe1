// SPDX-License-Identifier: Apache-2.0

// Package rendering is what the dialects share when they write a plan down: why
// a policy is there, and which edges could not be said. What reads policies for
// the proof uses none of it.
package rendering
