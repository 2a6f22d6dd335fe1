// SPDX-License-Identifier: Apache-2.0

// Package telemetry tells what became of requests: a line for each (Log), numbers
// (Metrics), and spans (Tracer). A Record holds nothing that could be used to make
// a request in somebody's name: no header line but those that were asked for, no
// query, and of a principal only a keyed hash.
package telemetry
