// SPDX-License-Identifier: Apache-2.0

// Package schedule tells whether a moment is in a span of time that comes again:
// on days of the week from one time to another, or for a while after each time of a
// cron expression. Times are those of a clock on a wall, so that they mean the same
// before and after it is changed to summer time.
//
// The time zones of IANA are part of the program (450 KB): images without any have
// to know them, and what is served must not depend on what a machine has installed.
package schedule
