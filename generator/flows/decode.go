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
	ends   ends

	hubble  bool // fields of Hubble were there
	judged  bool // a word stood as the verdict
	known   bool // something was there that only a flow has
	reply   Answer
	drop    string // why Hubble says that the flow was dropped
	dropped uint64 // the same as a number
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

var (
	errNoFlow   = errors.New("is no flow")
	errNoObject = errors.New("is no object")
)

// decode reads one line. The lists of the flow are valid until the next call.
func (d *decoder) decode(line []byte, f *Flow) (content, error) {
	f.Reset()
	d.flow, d.hubble, d.judged, d.known, d.reply, d.drop, d.dropped, d.lost, d.message = f, false, false, false, Unknown, "", 0, 0, false
	d.start(line)
	if d.next() != '{' {
		d.skip()
		d.fail(errNoObject)
		return aFlow, d.err
	}
	d.object(d.line)
	if err := d.ended(); err != nil {
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
	if f.Verdict == NoVerdict && !d.hubble && !d.judged {
		f.Verdict = Forwarded
	}
	f.DroppedFor(d.drop, d.dropped)
	return aFlow, nil
}

// line reads a field of a GetFlowsResponse (observer.proto), or of a bare flow.
func (d *decoder) line(name []byte) {
	switch string(name) {
	case "flow":
		d.hubble = true // the generic form has no envelope
		d.object(d.field)
	case "lost_events", "lostEvents":
		d.lost = 1
		d.object(func(name []byte) {
			switch string(name) {
			case "num_events_lost", "numEventsLost":
				d.lost = max(1, d.count())
			default:
				d.skip()
			}
		})
	case "node_status", "nodeStatus", "agent_event", "agentEvent", "debug_event", "debugEvent":
		d.message = true
		d.skip()
	default:
		d.field(name)
	}
}

// field reads a field of a flow.
func (d *decoder) field(name []byte) {
	f := d.flow
	switch string(name) {
	case "time":
		if f.Time.IsZero() {
			f.Time = d.time()
			return
		}
		d.skip() // the response has the time of its flow
	case "verdict":
		word := d.bytes()
		d.judged = d.judged || len(word) > 0
		f.Verdict = verdictOf(word, f.Verdict)
	case "source":
		d.known = true
		d.end(&f.Source)
	case "destination":
		d.known = true
		d.end(&f.Destination)
	case "is_reply", "isReply":
		f.Reply = d.yes()
	case "reply":
		d.reply = d.yes()
	case "traffic_direction", "trafficDirection", "direction":
		f.Direction = directionOf(d.bytes())
	case "destination_names", "destinationNames":
		d.array(func() { d.domain() })
	case "destination_service", "destinationService":
		d.object(d.service)
	case "protocol":
		f.Protocol, f.Other = protocolOf(d.name())
	case "port":
		f.DestinationPort = d.port()
	case "source_port":
		f.SourcePort = d.port()
	case "count":
		f.Count = d.count()
	default:
		d.datapath(name)
	}
}

// endpoint reads a field of one end.
func (d *decoder) endpoint(name []byte, e *Endpoint) {
	switch string(name) {
	case "namespace":
		e.Namespace = d.name()
	case "identity":
		e.Reserved.AddIdentity(d.count())
	case "labels":
		if d.next() == '{' {
			d.object(func(name []byte) {
				key := d.kept(name)
				e.add(labelOf(key + "=" + d.name()))
			})
			return
		}
		d.array(func() { d.label(d.bytes(), e) })
	case "pod_name", "podName", "pod":
		e.Pod = d.name()
	case "workloads":
		d.array(func() {
			e.Workloads = append(e.Workloads, WorkloadName{})
			w := &e.Workloads[len(e.Workloads)-1]
			d.object(func(name []byte) { d.workload(name, w) })
		})
	case "workload":
		e.Workloads = append(e.Workloads, WorkloadName{})
		w := &e.Workloads[len(e.Workloads)-1]
		d.object(func(name []byte) { d.workload(name, w) })
	case "ip":
		e.Address = d.address()
	case "names":
		d.array(d.domain)
	default:
		d.skip()
	}
}

func (d *decoder) workload(name []byte, w *WorkloadName) {
	switch string(name) {
	case "kind":
		w.Kind = d.name()
	case "name":
		w.Name = d.name()
	default:
		d.skip()
	}
}

func (d *decoder) service(name []byte) {
	switch string(name) {
	case "name":
		d.flow.ServiceName = d.name()
	case "namespace":
		d.flow.ServiceNamespace = d.name()
	default:
		d.skip()
	}
}

// domain reads a domain name.
func (d *decoder) domain() {
	if name := d.name(); name != "" {
		d.flow.Names = append(d.flow.Names, name)
	}
}
