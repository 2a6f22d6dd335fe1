// SPDX-License-Identifier: Apache-2.0

// Package translate turns the objects of a cluster (Gateway API) into configurations of
// the data plane, and into what is said of each object in its status. It is a function
// of its input: it reads no clock and no cluster, so that what a cluster would do can be
// tried with files.
//
// Nothing falls open: what cannot be had, is not granted, or is not known is answered
// 5xx for its share of the requests, and said in a condition.
package translate
