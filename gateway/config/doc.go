// SPDX-License-Identifier: Apache-2.0

// Package config is what the gateway serves from: one Snapshot, complete and
// immutable. It is read from a file (Load), or made of the objects of a cluster by
// another package. It knows nothing of Kubernetes, opens no socket, and reads
// files in Load only.
//
// Everything in it is checked before anything of it is used (Validate), and what
// the zero value of a field means is refusal, or the strictest of what works.
package config
