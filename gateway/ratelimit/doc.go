// SPDX-License-Identifier: Apache-2.0

// Package ratelimit decides how many requests a key may make, how many it may have
// under way, and who waits for whom. A bucket is one moment in time (the generic
// cell rate algorithm, ITU-T I.371, annex A): when the requests so far would have
// come if they had come evenly. It knows no request: who asks, and when, is given.
package ratelimit
