// SPDX-License-Identifier: Apache-2.0

package notation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// ParsePorts reads ports: "443" and "8000-8080" are of TCP; "UDP/53" and
// "SCTP/3000-3010" name a protocol, before or after the number, "TCP/metrics" or
// "metrics" the port of a container, and "TCP+UDP/53" several protocols. A protocol alone is all
// of its ports, and "any" is every port of all three. The result is not empty,
// ordered, and valid for an edge.
func ParsePorts(text string) ([]generator.Port, error) {
	if text == "any" {
		return []generator.Port{generator.EveryPort(generator.TCP), generator.EveryPort(generator.UDP), generator.EveryPort(generator.SCTP)}, nil
	}
	words, number, numbered := strings.Cut(text, "/")
	switch {
	case numbered && !isProtocols(words) && isProtocols(number):
		words, number = number, words
	case !numbered && !isProtocols(words):
		words, number, numbered = "TCP", text, true
	}
	var out []generator.Port
	for word := range strings.SplitSeq(words, "+") {
		protocol, err := generator.ParseProtocol(word)
		if err != nil || word == "" {
			return nil, fmt.Errorf("port %q: %q is not TCP, UDP or SCTP", Shortened(text), Shortened(word))
		}
		port := generator.EveryPort(protocol)
		if numbered {
			if port, err = portOf(protocol, number); err != nil {
				return nil, fmt.Errorf("port %q: %w", Shortened(text), err)
			}
		}
		out = append(out, port)
	}
	slices.SortFunc(out, generator.Port.Compare)
	return slices.Compact(out), nil
}

func isProtocols(words string) bool {
	for word := range strings.SplitSeq(words, "+") {
		if _, err := generator.ParseProtocol(word); err != nil || word == "" {
			return false
		}
	}
	return true
}

// portOf reads a number, a range or the name of a container port.
func portOf(protocol generator.Protocol, text string) (generator.Port, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, errFrom := strconv.ParseUint(first, 10, 16)
	to, errTo := strconv.ParseUint(last, 10, 16)
	if errFrom == nil && errTo == nil {
		port := generator.Port{Protocol: protocol, First: uint16(from), Last: uint16(to)}
		return port, port.Validate()
	}
	if len(validation.IsValidPortName(text)) > 0 {
		return generator.Port{}, fmt.Errorf("neither a number from 1 to %d, nor a range, nor the name of a container port", generator.MaxPort)
	}
	return generator.NamedPort(protocol, text), nil
}

// Shortened cuts a text that somebody wrote to what a message can bear.
func Shortened(text string) string {
	const most = 60
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
