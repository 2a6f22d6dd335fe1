// SPDX-License-Identifier: Apache-2.0

// Package http1 is a client of HTTP/1.1 (RFC 9112) for a gateway: it sends requests
// to one address, over connections that it keeps, and reads the responses strictly.
// What has two readings is refused, so that one response is never taken for another
// one. It follows no redirect, adds no header line, and decodes no content.
//
// A request is written and its response is read by the goroutine that asks; only a
// body that is too long to be taken whole is written by another one. Package upstream
// chooses addresses and calls it, and has net/http's Transport beside it, which the
// tests compare it with.
package http1
