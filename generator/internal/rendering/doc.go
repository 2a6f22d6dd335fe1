// SPDX-License-Identifier: Apache-2.0

// Package rendering is what the dialects share when they write a plan down: why
// a policy is there, how it is cut into objects that are not too great, how a
// block of addresses is written, and which edges could not be said. What reads
// policies for the proof uses none of it.
package rendering
