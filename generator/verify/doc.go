// SPDX-License-Identifier: Apache-2.0

// Package verify says what policies allow, and whether that is what a model
// wants. It knows no dialect: readers (generator/netpol and its siblings) turn
// the objects of theirs into Policy, and nothing here is shared with what
// renders policies but the values of the model (docs/decisions/0011).
//
// Questions are not asked for every pair of pods. Pods and addresses that no
// policy and no edge tells apart are one class, and what a class may connect to
// is a set of classes. Besides the known workloads there are pods that nobody
// described: in every namespace, and in one that nobody named, one without
// labels and one with every label key that occurs, each with a value that does
// not. Addresses are the intervals between the bounds of all blocks.
//
// What is not decided here: connections within a pod, those that the kubelet
// opens to the pods of its own node, ICMP, and anything after the first packet.
// Pods on the network of their node are addresses. A namespace that nobody named
// has no label of a known one, so that a rule for every namespace of a team is
// about the namespaces that the team has.
package verify
