// SPDX-License-Identifier: Apache-2.0

// Package intents reads connections that people ask for: annotations of workloads
// and Services, NetworkPlans, and the ClientIntents of Otterize. It is pure:
// the edges are for generator.Build.
//
// # Whose word counts
//
// Who may write an object of one namespace must not open another. So every wish
// has the namespace of the object that it stands in, one of its ends is pods of
// that namespace, and it counts for that end alone: an annotation allow-to in
// namespace a that names a workload of b opens the egress of a, and the ingress
// of b only where an object of b says so too (allow-from, a NetworkPlan), or where
// b trusts a (Found.For). A model that guards one namespace takes Found.For of it.
// One that guards several at once takes Found.Agreed, which keeps of every
// wish what all guarded namespaces that it would open have asked for. Found.Edges
// takes everybody's word for everything, as manifests have it, and is for objects
// of one author.
//
// What cannot be read is a problem that names object, field and entry. It never
// becomes something wider, and the other entries count.
package intents
