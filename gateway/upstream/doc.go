// SPDX-License-Identifier: Apache-2.0

// Package upstream sends requests to backends: it chooses an address, keeps
// connections, and counts what is under way. It outlives every configuration: a
// backend whose addresses change keeps the connections to those that stay.
//
// It knows nothing of clients. What it sends is what it is given.
package upstream
