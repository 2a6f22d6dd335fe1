// SPDX-License-Identifier: Apache-2.0

// Package basic knows clients by name and password (RFC 7617), which are kept as
// bcrypt has them (htpasswd -B). Checking a password is slow on purpose: who was
// checked lately is remembered, and so many checks are made at once and no more.
package basic
