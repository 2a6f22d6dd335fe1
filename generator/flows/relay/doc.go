// SPDX-License-Identifier: Apache-2.0

// Package relay reads flows from a running Hubble Relay, or from the Hubble
// server of one node, over gRPC (cilium api/v1/observer). A connection that
// breaks is made again and the flows of the meantime are asked for; what was
// lost all the same is reported.
//
// It alone knows the types of Cilium, and turns them into flows.Flow.
package relay
