// SPDX-License-Identifier: Apache-2.0

// Package server owns the sockets of a gateway. It opens and closes listeners as
// snapshots come, makes the handshakes, counts connections, and hands what is left
// to net/http, which serves it by package proxy. A listener whose address stays
// keeps its socket and its connections, whatever else changes.
package server
