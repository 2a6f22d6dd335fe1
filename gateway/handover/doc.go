// SPDX-License-Identifier: Apache-2.0

// Package handover brings snapshots from the process that reads a cluster to those that
// serve them and may read nothing of it: a Hub in the one answers a Follower in each of
// the others. Package gateway/kube says what is offered to whom; this package knows no
// cluster.
//
// A Follower asks by POST for what is offered to it, says what it serves now and what it
// has refused, and the Hub answers once it has something else. TLS tells the Follower who
// the Hub is; a bearer token tells the Hub who asks.
package handover

import (
	"crypto/sha256"
	"encoding/hex"
)

// Path is where a Hub is asked.
const Path = "/v1/snapshot"

// report is what a Follower says when it asks.
type report struct {
	Live    string `json:"live,omitempty"`    // the sum of what it serves
	Refused string `json:"refused,omitempty"` // the sum of what it cannot serve
	Fault   string `json:"fault,omitempty"`   // and why
}

// maxReport is 16 KiB: two sums, and a fault of maxFault bytes in JSON, where each may
// become six.
const maxReport = 16 << 10

// maxFault is 2 KiB: more than a status has room to show.
const maxFault = 2 << 10

// sumHeader names the sum of what a Hub answers, or still offers.
const sumHeader = "Gatehouse-Sum"

// sumOf names a text.
func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
