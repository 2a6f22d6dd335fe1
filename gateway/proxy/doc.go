// SPDX-License-Identifier: Apache-2.0

// Package proxy serves requests by a snapshot. A request is brought into its form,
// its route is found, filters judge it, and it is answered or sent to a backend. It
// sees one snapshot for all of its life, whatever is applied meanwhile.
package proxy
