// SPDX-License-Identifier: Apache-2.0

// Package auth says who makes a request. An Authenticator looks for one kind of
// credential and gives an Answer; what a principal may do is decided elsewhere.
//
// Nothing in an Answer repeats a credential: reasons are words of ours.
package auth
