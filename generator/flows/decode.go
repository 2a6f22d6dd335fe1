// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
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
