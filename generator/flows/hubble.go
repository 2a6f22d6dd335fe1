// SPDX-License-Identifier: Apache-2.0

package flows

import "bytes"

// datapath reads a field that only Hubble has.
func (d *decoder) datapath(name []byte) {
	f := d.flow
	switch string(name) {
	case "IP":
		d.hubble, d.known = true, true
		d.object(2, func(name []byte) {
			switch string(name) {
			case "source":
				f.Source.Address = d.address(3)
			case "destination":
				f.Destination.Address = d.address(3)
			default:
				d.skip(3)
			}
		})
	case "l4":
		d.hubble, d.known = true, true
		d.object(2, d.transport)
	case "l7":
		d.hubble = true
		d.object(2, func(name []byte) {
			if string(name) == "type" {
				f.Answers = f.Answers || string(d.bytes(3)) == "RESPONSE"
				return
			}
			d.skip(3)
		})
	case "sock_xlate_point", "sockXlatePoint":
		f.Answers = f.Answers || bytes.HasSuffix(d.bytes(2), []byte("_REV"))
	case "Type", "event_type", "eventType":
		d.hubble = true
		d.skip(2)
	default:
		d.skip(2)
	}
}

// transport reads a field of Layer4: the protocol and what it says.
func (d *decoder) transport(name []byte) {
	f := d.flow
	f.Protocol, f.Other = protocolOf(d.kept(name))
	d.object(3, func(name []byte) {
		switch string(name) {
		case "source_port", "sourcePort":
			f.SourcePort = d.port(4)
		case "destination_port", "destinationPort":
			f.DestinationPort = d.port(4)
		case "flags":
			var syn, ack Answer
			d.object(4, func(name []byte) {
				switch string(name) {
				case "SYN":
					syn = d.yes(5)
				case "ACK":
					ack = d.yes(5)
				default:
					d.skip(5)
				}
			})
			f.handshake(syn == Yes, ack == Yes)
		case "chunk_type", "chunkType":
			chunk := d.bytes(4)
			f.handshake(bytes.HasPrefix(chunk, []byte("INIT")), string(chunk) == "INIT_ACK")
		default:
			d.skip(4)
		}
	})
}

// handshake notes what a packet shows of the beginning of a connection.
func (f *Flow) handshake(begins, accepted bool) {
	f.Opens = f.Opens || begins && !accepted
	f.Answers = f.Answers || begins && accepted
}
