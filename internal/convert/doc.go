// SPDX-License-Identifier: Apache-2.0

// Package convert turns Ingress objects, with the annotations of the controllers that
// served them, into Gateway API objects and our policies, and says of every annotation
// what became of it. It is a function of its input: internal/command reads and writes.
//
// Nothing is opened by it. Where something that kept requests out, or that decided who
// answers them, cannot be said in the new objects, the routes are written without a
// backend and answer 500: left out, a wider route of the same host could take them over.
package convert
