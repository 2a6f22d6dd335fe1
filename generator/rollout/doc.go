// SPDX-License-Identifier: Apache-2.0

// Package rollout says in which order NetworkPolicies of a namespace are written
// and deleted, so that a connection which is allowed before and after is allowed
// all the time, wherever the work is interrupted.
//
// It is not enough to allow before denying. A policy that allows a pod something
// also isolates it: the first of two such policies cuts off what the second
// allows. So while a direction is not yet denied as a whole, or no longer to be,
// a policy that allows everything holds it open until everything else is in place.
// Nor is it enough to change a policy that is there: what moves from one to another
// would be in neither for a while. So a policy with other rules has another name
// (Named), and the old one is deleted when the new one has taken effect.
//
// Enforcers take effect some time after the API server has answered, and not in
// its order. So the work has stages, and whoever executes them waits between them.
//
// Next looks only at what is there: nothing is remembered between two calls, and
// after a restart it goes on where it ended.
package rollout
