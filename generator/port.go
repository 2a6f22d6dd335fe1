// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Protocol is a transport protocol that policies can name. The zero value is none.
type Protocol uint8

// The protocols of NetworkPolicyPort (k8s.io/api/networking/v1).
const (
	TCP Protocol = 1 + iota
	UDP
	SCTP
)

// Protocols lists every protocol, in order.
var Protocols = [...]Protocol{TCP, UDP, SCTP}

// String returns the protocol as Kubernetes writes it.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case SCTP:
		return "SCTP"
	}
	return "no protocol"
}

// ParseProtocol reads a protocol in any case. An empty string is TCP, as in a
// Service and in a NetworkPolicy.
func ParseProtocol(s string) (Protocol, error) {
	switch strings.ToUpper(s) {
	case "", "TCP":
		return TCP, nil
	case "UDP":
		return UDP, nil
	case "SCTP":
		return SCTP, nil
	}
	return 0, fmt.Errorf("protocol %q: not TCP, UDP or SCTP", s)
}

// MaxPort is the greatest port number.
const MaxPort = 65535

// Port is what an edge is about: one port, a range of ports, or the name of a
// container port, which each accepting pod resolves for itself (and no address
// does). The zero value stands for a port that nobody said; see Edge.
type Port struct {
	Protocol    Protocol
	First, Last uint16 // inclusive, 1 to MaxPort; 0 with a Name
	Name        string
}

// NumberedPort is one port.
func NumberedPort(p Protocol, number uint16) Port {
	return Port{Protocol: p, First: number, Last: number}
}

// NamedPort is the port that a container gives this name.
func NamedPort(p Protocol, name string) Port { return Port{Protocol: p, Name: name} }

// EveryPort is every port of a protocol.
func EveryPort(p Protocol) Port { return Port{Protocol: p, First: 1, Last: MaxPort} }

// Validate says what is wrong with a port; nil for one that an edge may have.
func (p Port) Validate() error {
	switch {
	case p.Protocol < TCP || p.Protocol > SCTP:
		return fmt.Errorf("port %s: no protocol", p)
	case p.Name != "" && (p.First != 0 || p.Last != 0):
		return fmt.Errorf("port %s: a name and a number", p)
	case p.Name != "":
		return nil
	case p.First == 0 || p.Last < p.First:
		return fmt.Errorf("port %d-%d: not a range from 1 to %d", p.First, p.Last, MaxPort)
	}
	return nil
}

// String returns "TCP/8080", "UDP/8000-8080", "TCP/http", or "TCP" for every port.
func (p Port) String() string {
	switch {
	case p == Port{}:
		return "any port"
	case p.Name != "":
		return p.Protocol.String() + "/" + p.Name
	case p.First == 1 && p.Last == MaxPort:
		return p.Protocol.String()
	case p.First == p.Last:
		return p.Protocol.String() + "/" + strconv.Itoa(int(p.First))
	}
	return fmt.Sprintf("%s/%d-%d", p.Protocol, p.First, p.Last)
}

// Compare orders ports by protocol, number and name.
func (p Port) Compare(o Port) int {
	return cmp.Or(cmp.Compare(p.Protocol, o.Protocol), cmp.Compare(p.First, o.First), cmp.Compare(p.Last, o.Last), cmp.Compare(p.Name, o.Name))
}
