// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// decoder makes flows of JSON. The fields of Hubble (cilium api/v1/flow/flow.proto,
// by their names there or in the spelling of protobuf's JSON) and those of the
// generic form have no name in common that means two things, so one decoder
// reads both.
type decoder struct {
	scanner
	flow   *Flow
	labels map[string]parsedLabel

	hubble  bool // fields of Hubble were there
	known   bool // something was there that only a flow has
	reply   Answer
	lost    uint64 // events that a recorder says it lost
	message bool   // what a recorder says that is no flow
}

// parsedLabel is what a text among the labels says.
type parsedLabel struct {
	label     Label
	reserved  Reserved
	namespace string
}

// what a line holds.
type content uint8

const (
	aFlow content = iota
	aLoss
	aMessage
)

var errNoFlow = errors.New("is no flow")

// decode reads one line. The lists of the flow are valid until the next call.
func (d *decoder) decode(line []byte, f *Flow) (content, error) {
	f.Reset()
	d.flow, d.hubble, d.known, d.reply, d.lost, d.message = f, false, false, Unknown, 0, false
	d.start(line)
	if d.next() != '{' {
		d.unexpected("an object")
		return aFlow, d.err
	}
	d.object(0, d.line)
	if err := d.end(); err != nil {
		return aFlow, err
	}
	switch {
	case d.lost > 0:
		return aLoss, nil
	case !d.known && d.message:
		return aMessage, nil
	case !d.known:
		return aFlow, errNoFlow
	}
	if f.Reply == Unknown {
		f.Reply = d.reply
	}
	if f.Verdict == NoVerdict && !d.hubble {
		f.Verdict = Forwarded
	}
	return aFlow, nil
}

// line reads a field of a GetFlowsResponse (observer.proto), or of a bare flow.
func (d *decoder) line(name []byte) {
	switch string(name) {
	case "flow":
		d.object(1, d.field)
	case "lost_events", "lostEvents":
		d.lost = 1
		d.object(1, func(name []byte) {
			switch string(name) {
			case "num_events_lost", "numEventsLost":
				d.lost = max(1, d.count(2))
			default:
				d.skip(2)
			}
		})
	case "node_status", "nodeStatus", "agent_event", "agentEvent", "debug_event", "debugEvent":
		d.message = true
		d.skip(1)
	default:
		d.field(name)
	}
}

// field reads a field of a flow.
func (d *decoder) field(name []byte) {
	f := d.flow
	switch string(name) {
	case "time":
		if t := d.time(2); f.Time.IsZero() {
			f.Time = t
		}
	case "verdict":
		f.Verdict = verdictOf(d.bytes(2), f.Verdict)
	case "source":
		d.known = true
		d.object(2, func(name []byte) { d.endpoint(name, &f.Source) })
	case "destination":
		d.known = true
		d.object(2, func(name []byte) { d.endpoint(name, &f.Destination) })
	case "is_reply", "isReply":
		f.Reply = d.yes(2)
	case "reply":
		d.reply = d.yes(2)
	case "traffic_direction", "trafficDirection", "direction":
		f.Direction = directionOf(d.bytes(2))
	case "destination_names", "destinationNames":
		d.array(2, func() { d.domain() })
	case "destination_service", "destinationService":
		d.object(2, d.service)
	case "protocol":
		f.Protocol, f.Other = protocolOf(d.name(2))
	case "port":
		f.DestinationPort = d.port(2)
	case "source_port":
		f.SourcePort = d.port(2)
	case "count":
		f.Count = d.count(2)
	default:
		d.datapath(name)
	}
}

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

// endpoint reads a field of one end.
func (d *decoder) endpoint(name []byte, e *Endpoint) {
	switch string(name) {
	case "namespace":
		e.Namespace = d.name(3)
	case "identity":
		e.Reserved.AddIdentity(d.count(3))
	case "labels":
		if d.next() == '{' {
			d.object(3, func(name []byte) {
				key := d.kept(name)
				e.add(labelOf(key + "=" + d.name(4)))
			})
			return
		}
		d.array(3, func() { d.label(d.bytes(4), e) })
	case "pod_name", "podName", "pod":
		e.Pod = d.name(3)
	case "workloads":
		d.array(3, func() {
			e.Workloads = append(e.Workloads, WorkloadName{})
			w := &e.Workloads[len(e.Workloads)-1]
			d.object(4, func(name []byte) { d.workload(name, w, 5) })
		})
	case "workload":
		e.Workloads = append(e.Workloads, WorkloadName{})
		w := &e.Workloads[len(e.Workloads)-1]
		d.object(3, func(name []byte) { d.workload(name, w, 4) })
	case "ip":
		e.Address = d.address(3)
	case "names":
		d.array(3, func() {
			if e == &d.flow.Destination {
				d.domain()
				return
			}
			d.skip(4)
		})
	default:
		d.skip(3)
	}
}

func (d *decoder) workload(name []byte, w *WorkloadName, depth int) {
	switch string(name) {
	case "kind":
		w.Kind = d.name(depth)
	case "name":
		w.Name = d.name(depth)
	default:
		d.skip(depth)
	}
}

func (d *decoder) service(name []byte) {
	switch string(name) {
	case "name":
		d.flow.ServiceName = d.name(3)
	case "namespace":
		d.flow.ServiceNamespace = d.name(3)
	default:
		d.skip(3)
	}
}

// domain reads a domain name.
func (d *decoder) domain() {
	if name := d.name(4); name != "" {
		d.flow.Names = append(d.flow.Names, name)
	}
}

// label takes a label, split once for all times that it returns.
func (d *decoder) label(text []byte, e *Endpoint) {
	known, ok := d.labels[string(text)]
	if !ok {
		own := string(text)
		known = labelOf(own)
		if d.labels == nil || len(d.labels) >= maxNames {
			d.labels = make(map[string]parsedLabel, 1024)
		}
		if len(own) <= maxName {
			d.labels[own] = known
		}
	}
	e.add(known)
}

// labelOf reads "k8s:app=web", "app=web", "reserved:host".
func labelOf(text string) parsedLabel {
	source, rest, prefixed := strings.Cut(text, ":")
	switch {
	case prefixed && source == "reserved":
		return parsedLabel{reserved: reservedNames[rest]}
	case prefixed && (source == "k8s" || source == "any"):
		text = rest
	case prefixed && !strings.ContainsAny(source, "/.="):
		return parsedLabel{} // cidr:, fqdn:, container:
	}
	key, value, _ := strings.Cut(text, "=")
	switch {
	case key == "io.kubernetes.pod.namespace":
		return parsedLabel{namespace: value}
	case key == "" || strings.HasPrefix(key, "io.cilium."):
		return parsedLabel{}
	}
	return parsedLabel{label: Label{key, value}}
}

// AddLabel adds a label as Cilium writes it, or the reserved identity, or the
// namespace that it stands for.
func (e *Endpoint) AddLabel(text string) { e.add(labelOf(text)) }

func (e *Endpoint) add(p parsedLabel) {
	e.Reserved |= p.reserved
	if e.Namespace == "" {
		e.Namespace = p.namespace
	}
	if p.label.Key != "" {
		e.Labels = append(e.Labels, p.label)
	}
}

// verdictOf reads the words of Hubble and those that other recorders use. What
// was traced or translated only has no verdict yet.
func verdictOf(text []byte, otherwise Verdict) Verdict {
	switch strings.ToUpper(string(text)) {
	case "FORWARDED", "REDIRECTED", "AUDIT", "ALLOW", "ALLOWED", "ACCEPT", "ACCEPTED":
		return Forwarded
	case "DROPPED", "DROP", "DENY", "DENIED", "REJECT", "REJECTED":
		return Dropped
	case "ERROR":
		return Failed
	}
	return otherwise
}

func directionOf(text []byte) Direction {
	switch strings.ToUpper(string(text)) {
	case "INGRESS":
		return Ingress
	case "EGRESS":
		return Egress
	}
	return NoDirection
}

// protocolOf returns the protocol, or the name of one that no policy names.
func protocolOf(name string) (generator.Protocol, string) {
	if name == "" {
		return 0, ""
	}
	if p, err := generator.ParseProtocol(name); err == nil {
		return p, ""
	}
	return 0, name
}

// at is the time of a flow in nanoseconds since 1970, and whether it is one that
// fits: from 1970 to 2200.
func (f *Flow) at() (int64, bool) {
	seconds := f.Time.Unix()
	if seconds <= 0 || seconds >= maxSeconds || f.Time.Equal(time.Time{}) {
		return 0, false
	}
	return f.Time.UnixNano(), true
}
