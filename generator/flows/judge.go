// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// The ports from which Linux opens connections unless it is told otherwise
// (net.ipv4.ip_local_port_range, kernel.org/doc/Documentation/networking/ip-sysctl).
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

func ephemeral(port uint16) bool { return port >= firstEphemeral && port <= lastEphemeral }

// judgement says which end opened a connection.
type judgement uint8

const (
	undecided judgement = iota
	request             // the source did
	reply               // the destination did
)

// judge decides whether a flow is from the end that opened the connection, and
// how sure that is. A rule made of a reply would let a server open connections
// to every port from which clients call it, so that what cannot be decided is no
// request.
//
// The packet comes first: what accepts a connection is a reply whatever else is
// said, since recorders that have forgotten a connection take the next packet of
// it for a new one. For the same reason "no reply" is not believed of a packet
// that begins nothing and goes from a known server port to an ephemeral one that
// nobody is known to listen on.
func (d *directory) judge(f *Flow, from, to *end) (judgement, generator.Confidence) {
	switch {
	case f.Answers || f.Reply == Yes:
		return reply, generator.Certain
	case f.Opens:
		return request, generator.Certain
	}
	fromListens := d.listens(from, generator.NumberedPort(f.Protocol, f.SourcePort))
	toListens := d.listens(to, generator.NumberedPort(f.Protocol, f.DestinationPort))
	fromLeaves, toLeaves := ephemeral(f.SourcePort) || f.SourcePort == 0, ephemeral(f.DestinationPort)
	switch {
	case f.Reply == No && fromListens && !toListens && toLeaves:
		return reply, generator.Likely
	case f.Reply == No:
		return request, generator.Certain
	case toListens && !fromListens:
		return request, generator.Likely
	case fromListens && !toListens:
		return reply, generator.Likely
	case fromLeaves && !toLeaves:
		return request, generator.Guessed
	case toLeaves && !fromLeaves:
		return reply, generator.Guessed
	}
	return undecided, generator.Guessed
}

// listens reports whether an end is known to accept connections on a port.
func (d *directory) listens(e *end, p generator.Port) bool {
	switch {
	case e.service != nil:
		return slices.ContainsFunc(e.service.Spec.Ports, func(sp corev1.ServicePort) bool {
			protocol, err := generator.ParseProtocol(string(sp.Protocol))
			return err == nil && protocol == p.Protocol && sp.Port == int32(p.First)
		})
	case e.peer.Kind == generator.WorkloadPeer:
		return d.listening[listener{e.peer.ID(), p}]
	}
	group, _ := d.env.Group(e.peer.Kind)
	return slices.Contains(group.Ports, p)
}
