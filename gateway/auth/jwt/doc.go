// SPDX-License-Identifier: Apache-2.0

// Package jwt is an auth.Authenticator for bearer tokens that say themselves who
// they are for (JSON Web Tokens, RFC 7519, by the rules of RFC 8725).
//
// A token of another issuer is none of ours: the answer is auth.Absent with the
// reason OtherIssuer, so that another authenticator may take it. Somebody who lets
// in requests without a credential must let in those only whose every reason is
// NoToken: a credential that nobody takes is not the same as none.
//
// What was verified is remembered by a hash of the token, for a minute at most, and
// forgotten when the key that verified it goes.
package jwt
