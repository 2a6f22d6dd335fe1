// SPDX-License-Identifier: Apache-2.0

// Package netpol speaks NetworkPolicy (networking.k8s.io/v1). What reads
// policies for the proof and what renders them share no code.
package netpol
