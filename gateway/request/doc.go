// SPDX-License-Identifier: Apache-2.0

// Package request makes the one form of a request. It is computed once, and the
// router, authentication, authorisation, the limits, the log and the backend all
// get this form and no other, so that no two of them can disagree about what was
// asked for. What has two readings is refused, or brought into the reading that
// is told to the backend, too.
//
// It judges what net/http has parsed. What net/http hides (bare line feeds, two
// framings, folded lines, the authority of an absolute target) is refused before
// it, by package front. It does no I/O, and is not where policies are: nothing
// here knows who asks.
package request
