// SPDX-License-Identifier: Apache-2.0

package flows

import "bytes"

// datapath reads a field that only Hubble has.
func (d *decoder) datapath(name []byte) {
	f := d.flow
	switch string(name) {
	case "IP":
		d.hubble, d.known = true, true
		d.object(func(name []byte) {
			switch string(name) {
			case "source":
				f.Source.Address = d.address()
			case "destination":
				f.Destination.Address = d.address()
			default:
				d.skip()
			}
		})
	case "l4":
		d.hubble, d.known = true, true
		d.object(d.transport)
	case "l7":
		d.hubble = true
		d.object(func(name []byte) {
			if string(name) == "type" {
				f.Answers = f.Answers || string(d.bytes()) == "RESPONSE"
				return
			}
			d.skip()
		})
	case "sock_xlate_point", "sockXlatePoint":
		f.Answers = f.Answers || bytes.HasSuffix(d.bytes(), []byte("_REV"))
	case "drop_reason_desc", "dropReasonDesc":
		switch text := d.scalar(); {
		case string(text) == noReason:
		case len(text) > 0 && text[0] >= '0' && text[0] <= '9': // one that the recorder has no name for
			d.dropped = number(text)
		default:
			d.drop = d.kept(text)
		}
	case "drop_reason", "dropReason":
		if n := d.count(); d.dropped == 0 {
			d.dropped = n
		}
	case "Type", "event_type", "eventType":
		d.hubble = true
		d.skip()
	default:
		d.skip()
	}
}

// noReason is what protobuf calls the absence of one.
const noReason = "DROP_REASON_UNKNOWN"

// transport reads a field of Layer4: the protocol and what it says.
func (d *decoder) transport(name []byte) {
	f := d.flow
	f.Protocol, f.Other = protocolOf(d.kept(name))
	d.object(func(name []byte) {
		switch string(name) {
		case "source_port", "sourcePort":
			f.SourcePort = d.port()
		case "destination_port", "destinationPort":
			f.DestinationPort = d.port()
		case "flags":
			var syn, ack Answer
			d.object(func(name []byte) {
				switch string(name) {
				case "SYN":
					syn = d.yes()
				case "ACK":
					ack = d.yes()
				default:
					d.skip()
				}
			})
			f.handshake(syn == Yes, ack == Yes)
		case "chunk_type", "chunkType":
			chunk := d.bytes()
			f.handshake(bytes.HasPrefix(chunk, []byte("INIT")), string(chunk) == "INIT_ACK")
		default:
			d.skip()
		}
	})
}

// handshake notes what a packet shows of the beginning of a connection.
func (f *Flow) handshake(begins, accepted bool) {
	f.Opens = f.Opens || begins && !accepted
	f.Answers = f.Answers || begins && accepted
}
