// SPDX-License-Identifier: Apache-2.0

package notation

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// ParseGroup reads what a group of the environment is: addresses, blocks of them, or
// pods as "namespace/key=value,key=value", each with ":port" behind it where it is
// not one of the usual ports. A group without usual ones takes no port.
func ParseGroup(values []string, usual []generator.Port) (generator.Group, error) {
	var g generator.Group
	for _, text := range values {
		what, ports, err := cutPort(text, usual)
		if err != nil {
			return g, err
		}
		g.Ports = append(g.Ports, ports...)
		if p, err := ParseBlock(what); err == nil {
			g.Addresses = append(g.Addresses, p)
			continue
		}
		set, err := parsePods(what)
		if err != nil {
			return g, fmt.Errorf("%q: %w", text, err)
		}
		g.Pods = append(g.Pods, set)
	}
	slices.SortFunc(g.Addresses, netip.Prefix.Compare)
	slices.SortFunc(g.Ports, generator.Port.Compare)
	g.Addresses, g.Ports = slices.Compact(g.Addresses), slices.Compact(g.Ports)
	return g, nil
}

// cutPort takes ":port" off the end, unless the colon is one of an IPv6 address.
// The port replaces the number of the usual ones.
func cutPort(text string, usual []generator.Port) (string, []generator.Port, error) {
	if _, err := ParseBlock(text); err == nil {
		return text, usual, nil
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, usual, nil
	}
	number, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil || number == 0 {
		return "", nil, fmt.Errorf("%q: %q is not a port from 1 to %d", text, text[i+1:], generator.MaxPort)
	}
	if len(usual) == 0 {
		return "", nil, fmt.Errorf("%q: takes no port: the connections of this group have ports of their own", text)
	}
	ports := make([]generator.Port, len(usual))
	for j, p := range usual {
		ports[j] = generator.NumberedPort(p.Protocol, uint16(number))
	}
	return strings.TrimSuffix(strings.TrimPrefix(text[:i], "["), "]"), ports, nil
}

// parsePods reads "namespace/key=value,key=value"; "namespace/" is all of its pods.
func parsePods(text string) (generator.PodSet, error) {
	namespace, selector, found := strings.Cut(text, "/")
	if !found || namespace == "" {
		return generator.PodSet{}, errors.New("neither an address nor pods as namespace/key=value,key=value")
	}
	if selector == "" {
		return generator.PodSet{Namespace: namespace}, nil
	}
	set, err := labels.ConvertSelectorToLabelsMap(selector)
	if err != nil {
		return generator.PodSet{}, fmt.Errorf("read labels: %w", err)
	}
	return generator.PodSet{Namespace: namespace, Labels: set}, nil
}
