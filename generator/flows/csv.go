// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// csvDecoder makes flows of lines with commas. The first line names the columns;
// a record is one line.
type csvDecoder struct {
	*decoder
	columns []func(*csvDecoder, []byte)
}

// columns of the generic form; docs/flows.md describes them.
var columns = map[string]func(*csvDecoder, []byte){
	"time":      func(d *csvDecoder, v []byte) { d.flow.Time = parseTime(v) },
	"protocol":  func(d *csvDecoder, v []byte) { d.flow.Protocol, d.flow.Other = protocolOf(d.kept(v)) },
	"port":      func(d *csvDecoder, v []byte) { d.flow.DestinationPort = portOf(v) },
	"direction": func(d *csvDecoder, v []byte) { d.flow.Direction = directionOf(v) },
	"reply":     func(d *csvDecoder, v []byte) { d.flow.Reply = answer(v) },
	"verdict":   func(d *csvDecoder, v []byte) { d.flow.Verdict = verdictOf(v, NoVerdict) },
	"count":     func(d *csvDecoder, v []byte) { d.flow.Count = number(v) },

	"source_port":      func(d *csvDecoder, v []byte) { d.flow.SourcePort = portOf(v) },
	"source_namespace": func(d *csvDecoder, v []byte) { d.flow.Source.Namespace = d.kept(v) },
	"source_kind":      func(d *csvDecoder, v []byte) { d.flow.Source.named().Kind = d.kept(v) },
	"source_name":      func(d *csvDecoder, v []byte) { d.flow.Source.named().Name = d.kept(v) },
	"source_pod":       func(d *csvDecoder, v []byte) { d.flow.Source.Pod = d.kept(v) },
	"source_labels":    func(d *csvDecoder, v []byte) { d.labelList(v, &d.flow.Source) },
	"source_ip":        func(d *csvDecoder, v []byte) { d.flow.Source.Address = d.parseAddress(v) },

	"destination_namespace": func(d *csvDecoder, v []byte) { d.flow.Destination.Namespace = d.kept(v) },
	"destination_kind":      func(d *csvDecoder, v []byte) { d.flow.Destination.named().Kind = d.kept(v) },
	"destination_name":      func(d *csvDecoder, v []byte) { d.flow.Destination.named().Name = d.kept(v) },
	"destination_pod":       func(d *csvDecoder, v []byte) { d.flow.Destination.Pod = d.kept(v) },
	"destination_labels":    func(d *csvDecoder, v []byte) { d.labelList(v, &d.flow.Destination) },
	"destination_ip":        func(d *csvDecoder, v []byte) { d.flow.Destination.Address = d.parseAddress(v) },
	"destination_domain": func(d *csvDecoder, v []byte) {
		for name := range bytes.SplitSeq(v, []byte(";")) {
			if name = bytes.TrimSpace(name); len(name) > 0 {
				d.flow.Names = append(d.flow.Names, d.kept(name))
			}
		}
	},
}

// ErrHeader is what is wrong with a first line that names no columns. Nothing
// after it can be read.
var ErrHeader = errors.New("neither JSON nor the names of columns")

// header reads the names of the columns. An unknown one is refused: what it holds
// might be what tells a reply from a request.
func (d *csvDecoder) header(line []byte) error {
	record, err := fields(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHeader, err)
	}
	seen := map[string]bool{}
	for _, name := range record {
		name = strings.ToLower(strings.TrimSpace(name))
		column, known := columns[name]
		switch {
		case !known:
			return fmt.Errorf("%w: no column is named %.40q; there are %s", ErrHeader, name, strings.Join(slices.Sorted(maps.Keys(columns)), ", "))
		case seen[name]:
			return fmt.Errorf("%w: column %q stands there twice", ErrHeader, name)
		}
		seen[name] = true
		d.columns = append(d.columns, column)
	}
	return nil
}

// record reads one line.
func (d *csvDecoder) record(line []byte, f *Flow) error {
	record, err := fields(line)
	if err != nil {
		return err
	}
	if len(record) != len(d.columns) {
		return fmt.Errorf("has %d columns and not %d", len(record), len(d.columns))
	}
	f.Reset()
	f.Verdict = Forwarded
	d.flow = f
	for i, column := range d.columns {
		if value := strings.TrimSpace(record[i]); value != "" {
			column(d, []byte(value))
		}
	}
	return nil
}

// fields splits a line. Each line has a reader of its own, so that a quotation
// mark without its twin does not swallow the lines after it.
func fields(line []byte) ([]string, error) {
	if bytes.IndexByte(line, '"') < 0 {
		return strings.Split(string(line), ","), nil
	}
	record, err := csv.NewReader(bytes.NewReader(line)).Read()
	if fault, is := errors.AsType[*csv.ParseError](err); is { // its line is always the first
		return nil, fmt.Errorf("byte %d: %w", fault.Column, fault.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("split at commas: %w", err)
	}
	return record, nil
}

// labelList reads "app=web;tier=front".
func (d *csvDecoder) labelList(text []byte, e *Endpoint) {
	for label := range bytes.SplitSeq(text, []byte(";")) {
		d.label(bytes.TrimSpace(label), e)
	}
}

// named returns the workload that columns name.
func (e *Endpoint) named() *WorkloadName {
	if len(e.Workloads) == 0 {
		e.Workloads = append(e.Workloads, WorkloadName{})
	}
	return &e.Workloads[0]
}

func portOf(text []byte) uint16 {
	if n := number(text); n <= 65535 {
		return uint16(n)
	}
	return 0
}
