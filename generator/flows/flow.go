// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Verdict says what became of a flow. The zero value is that nobody said.
type Verdict uint8

// The verdicts, in the order in which a Summary counts them.
const (
	NoVerdict Verdict = iota
	Forwarded         // it went through; also when a proxy took it, or an audit alone would have dropped it
	Dropped           // a policy refused it, as far as is known: somebody wished for the connection
	Failed            // an error, which says nothing of the connection
	Discarded         // it was dropped for another reason than a policy, which says nothing of policies
)

// Answer is yes, no, or that nobody said, which is the zero value.
type Answer uint8

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

// Direction is where a flow was seen: where it leaves its source, or where it
// reaches its destination. The zero value is that nobody said.
type Direction uint8

// The directions.
const (
	NoDirection Direction = iota
	Ingress
	Egress
)

// Flow is one observation of a connection: a packet, or as many of them as
// Count says. Source sent it, which need not be who opened the connection.
type Flow struct {
	Time    time.Time // zero when nobody said
	Verdict Verdict

	// DropReason is why it was dropped, as Cilium names it; empty when nobody said.
	// DroppedFor sets it.
	DropReason string

	Source, Destination Endpoint

	// Protocol is zero for what no policy names; Other then says what it is:
	// "ICMPv4", "VRRP", or nothing.
	Protocol generator.Protocol
	Other    string

	SourcePort, DestinationPort uint16 // 0 when nobody said

	// Reply says whether Destination opened the connection. Opens and Answers
	// say what the packet itself shows: that it begins a connection (SYN without
	// ACK, INIT of SCTP), or accepts one (SYN with ACK, INIT ACK).
	Reply          Answer
	Opens, Answers bool

	Direction Direction

	// Names are the domain names by which Source knew the address of
	// Destination; Service is the Service that the address belongs to.
	Names            []string
	ServiceNamespace string
	ServiceName      string

	Count uint64 // how many observations this stands for; 0 for one
}

// Endpoint is one end of a flow. Any field may be empty.
type Endpoint struct {
	Namespace string
	Workloads []WorkloadName // what made the pod, as the recorder knows it
	Pod       string
	Labels    []Label    // of the pod
	Reserved  Reserved   // what Cilium knows it as, besides pods
	Address   netip.Addr // the zero Addr when nobody said
}

// WorkloadName is the kind and the name of what made a pod.
type WorkloadName struct{ Kind, Name string }

// Label is one label of a pod.
type Label struct{ Key, Value string }

// Reserved is a set of Cilium's reserved identities (docs.cilium.io, "Special
// Identities"). The API server, for one, is on a node too.
type Reserved uint8

// The reserved identities that mean something here.
const (
	Host Reserved = 1 << iota
	RemoteNode
	APIServer
	World
	Gateway // reserved:ingress
	Health
	Unmanaged // a pod that Cilium does not manage, or not yet
)

// reservedNames are the labels, after "reserved:".
var reservedNames = map[string]Reserved{
	"host": Host, "remote-node": RemoteNode, "kube-apiserver": APIServer, "ingress": Gateway, "health": Health,
	"world": World, "world-ipv4": World, "world-ipv6": World, "unmanaged": Unmanaged, "init": Unmanaged,
}

// reservedNumbers are the identities (cilium pkg/identity/numericidentity.go).
var reservedNumbers = [...]Reserved{
	1: Host, 2: World, 3: Unmanaged, 4: Health, 5: Unmanaged, 6: RemoteNode, 7: APIServer, 8: Gateway, 9: World, 10: World,
}

// AddIdentity adds the reserved identity of a number; other numbers add nothing.
func (r *Reserved) AddIdentity(number uint64) {
	if number < uint64(len(reservedNumbers)) {
		*r |= reservedNumbers[number]
	}
}

// policyReasons are the reasons of Cilium's drops that are policies: none allows the
// flow, or one denies it (flow.proto, DropReason). AUTH_REQUIRED is none of them: it
// drops the first packets of a connection that a policy allows, until its ends have
// proved who they are.
var policyReasons = []string{"POLICY_DENIED", "POLICY_DENY"}

// policyNumbers are their numbers, which is all that old nodes say.
var policyNumbers = map[uint64]string{133: policyReasons[0], 181: policyReasons[1]}

// DroppedFor notes why a flow was dropped: by the name of the reason, or its number
// where there is no name. A drop that is no policy's becomes Discarded, and one
// without a reason stays Dropped. Flows that were not dropped have none.
func (f *Flow) DroppedFor(reason string, number uint64) {
	if f.Verdict != Dropped {
		return
	}
	if reason == "" && number != 0 {
		if reason = policyNumbers[number]; reason == "" {
			reason = fmt.Sprintf("reason %d", number)
		}
	}
	f.DropReason = reason
	if reason != "" && !slices.Contains(policyReasons, reason) {
		f.Verdict = Discarded
	}
}

// Reset makes a flow empty and keeps the memory of its lists.
func (f *Flow) Reset() {
	s, d := &f.Source, &f.Destination
	*f = Flow{
		Source:      Endpoint{Workloads: s.Workloads[:0], Labels: s.Labels[:0]},
		Destination: Endpoint{Workloads: d.Workloads[:0], Labels: d.Labels[:0]},
		Names:       f.Names[:0],
	}
}
