// SPDX-License-Identifier: Apache-2.0

// Package clusterpolicy speaks ClusterNetworkPolicy
// (policy.networking.k8s.io/v1alpha2, network-policy-api v0.2.0), whose policies
// stand before those of a namespace (tier Admin) or behind them (Baseline). What
// reads policies for the proof and what renders them share no code.
//
// What is different here: nothing is denied that no rule denies, rules count in
// order, blocks of addresses hold pods too and have no exceptions, a port's name
// is of every protocol, and nothing is said about who connects from outside.
package clusterpolicy
