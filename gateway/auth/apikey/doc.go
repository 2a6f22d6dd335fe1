// SPDX-License-Identifier: Apache-2.0

// Package apikey knows clients by keys that are sent in a header line. Keys are
// kept as their SHA-256, which is enough for keys that are random: make them of 32
// random bytes. Passwords that people choose are for package basic.
package apikey
