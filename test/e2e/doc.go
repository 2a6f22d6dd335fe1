// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the whole of Gatehouse on a node that runs Pods and enforces
// NetworkPolicies: `make e2e`. The tests are two stories, told to a cluster by kubectl,
// as its owner would, from manifests/install.yaml on; clients and attackers are real
// connections. Without a node they are skipped, and say what was not tested.
package e2e
