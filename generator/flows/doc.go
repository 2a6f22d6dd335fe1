// SPDX-License-Identifier: Apache-2.0

// Package flows learns from recorded connections: it reads what Hubble or
// another recorder saw, decides for each flow which end opened the connection,
// finds the workloads behind names and addresses, and counts. What comes out is
// edges with the evidence of having been seen, a window that says when anybody
// looked, and a list of what was left out and why.
//
// Three forms are read: JSON lines of Hubble (`hubble observe -o jsonpb`, its
// export files), JSON lines and CSV of anything else (docs/flows.md). The
// package flows/relay reads the same from a running Hubble Relay. Every form
// becomes a Flow, and Collector alone decides what a Flow means.
//
// A recording may be wrong in any place: what cannot be understood is counted
// and named, and nothing but an unreadable input or too many different edges
// ends the work.
package flows
