// SPDX-License-Identifier: Apache-2.0

// Package jwks has the keys that verify signatures of tokens (RFC 7517): given as
// bytes, or fetched from where an issuer publishes them and kept up to date.
//
// A Set without keys says that it is unavailable, which is neither yes nor no. What
// tokens say cannot make it ask the issuer more often than its owner wants, and it
// never forgets good keys because new ones cannot be had, until they are too old.
//
// It knows no tokens (gateway/auth/jws, gateway/auth/jwt) and no configuration.
package jwks
