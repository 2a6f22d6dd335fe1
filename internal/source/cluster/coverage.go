// SPDX-License-Identifier: Apache-2.0

package cluster

import (
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
	Kind      schema.GroupKind
	Namespace string // empty for all of them
	State     State
	Version   string // the version that was read, empty unless Complete
	Objects   int
	Err       error // why the kind is unreadable
}

// String returns "Kind.group: state", with the namespace and the reason if there
// are any.
func (c Coverage) String() string {
	out := c.Kind.String()
	if c.Namespace != "" {
		out += " in " + c.Namespace
	}
	out += ": " + c.State.String()
	if c.Err != nil {
		out += ": " + c.Err.Error()
	}
	return out
}
