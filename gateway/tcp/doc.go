// SPDX-License-Identifier: Apache-2.0

// Package tcp sends connections to backends without a look at what is said, but
// for the name that a client of TLS asks for. It knows nothing of HTTP; package
// server accepts the connections.
package tcp
