// SPDX-License-Identifier: Apache-2.0

// Package generator says who needs to talk to whom in a cluster: evidence from
// manifests, flows, intents and templates becomes a Model, from which the
// packages below render policies and against which generator/verify proves them.
//
// It takes values and returns values: no I/O, no clock, no client. What a
// connection is, everywhere in this package: a pod or an address opens it, a pod
// or an address accepts it, on one port of TCP, UDP or SCTP. Replies belong to
// it. ICMP and other protocols are not modelled, as NetworkPolicy does not
// express them.
package generator
