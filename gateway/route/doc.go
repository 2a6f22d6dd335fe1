// SPDX-License-Identifier: Apache-2.0

// Package route finds the route of a request. What is looked up is the form of
// the request (package request) and nothing else, and what it costs depends on the
// request, not on how many routes there are, but for expressions of one host and for
// routes of one path that differ in method, header lines or parameters: these are tried
// one after the other.
//
// Which of several routes is taken follows the Gateway API (HTTPRouteRule,
// matches): the most specific host first; then an exact path, an expression, the
// longest prefix; then a method, the most header lines, the most parameters; then
// the order of the configuration. A request whose host has routes of its own is
// never served by those of a less specific one.
package route
