// SPDX-License-Identifier: Apache-2.0

// Package front stands between a connection and net/http, which forgives what a
// gateway must not: lines that end in a bare line feed, a length beside a
// transfer coding, folded lines, an absolute target of another authority. Where
// two parsers may disagree about where a request ends or what it says, the
// request is refused before the first of them has seen it whole.
//
// HTTP/2 is framed in binary, and golang.org/x/net/http2 judges it. Here only the heads of
// frames are read, to bound those that cost a client nothing (Frames).
package front
