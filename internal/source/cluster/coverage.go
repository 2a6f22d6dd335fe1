// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// State says what became of reading a kind. The zero value is the cautious one.
type State uint8

// The states of a kind.
const (
	Unreadable   State = iota // the cluster has or may have it, and it could not be read
	NotInstalled              // the cluster does not have the kind
	Reading                   // a live inventory has not got it whole yet
	Complete                  // every object was read
)

var stateNames = [...]string{"unreadable", "not installed", "reading", "complete"}

// String returns the words for a user.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[Unreadable]
}

// Coverage says how one kind was read.
type Coverage struct {
	Kind    schema.GroupKind
	State   State
	Version string // the version that was read, empty unless Complete
	Objects int
	Err     error // why the kind is unreadable
}

// String returns "Kind.group: state", with the reason if there is one.
func (c Coverage) String() string {
	out := fmt.Sprintf("%s: %s", c.Kind, c.State)
	if c.Err != nil {
		out += ": " + c.Err.Error()
	}
	return out
}
