// SPDX-License-Identifier: Apache-2.0

// Package cilium speaks CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy
// (cilium.io/v2, as of Cilium v1.20). What reads policies for the proof and what
// renders them share no code but the form of the object.
//
// What the same rules mean elsewhere and not here: a rule without peers and
// ports allows nobody, blocks of addresses never hold a node, a name is nothing
// without the answers of the name servers, and a rule has peers of one kind.
package cilium
