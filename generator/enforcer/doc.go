// SPDX-License-Identifier: Apache-2.0

// Package enforcer knows what those who enforce NetworkPolicies make of them.
// Kubernetes leaves much open: whether a block of addresses holds pods and nodes,
// which protocols are known, what a range of ports is. A Profile turns a plan
// into one that means on its target what the model says, and refuses with a
// reason what the target cannot express.
//
// It is about NetworkPolicy alone (networking.k8s.io/v1): generator/cilium and
// generator/clusterpolicy say in their own dialects what NetworkPolicy cannot,
// and need no profile. docs/network.md lists what each profile does.
package enforcer
