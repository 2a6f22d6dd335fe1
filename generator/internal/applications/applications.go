// SPDX-License-Identifier: Apache-2.0

// Package applications knows the example applications of test/fixtures/apps: the
// cluster that they are in, and the connections that a person wrote down for each.
// Tests alone use it.
package applications

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// Environment is a cluster of which each group is known.
func Environment() generator.Environment {
	env := generator.NewEnvironment()
	pods := func(ns, label string) []generator.PodSet {
		return []generator.PodSet{{Namespace: ns, Labels: map[string]string{"app": label}}}
	}
	block := func(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }
	env.DNS = generator.Group{Pods: pods("kube-system", "dns"), Ports: []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)}}
	env.APIServer = generator.Group{Addresses: block("192.0.2.1/32"), Ports: []generator.Port{generator.NumberedPort(generator.TCP, 6443)}}
	env.Nodes = generator.Group{Addresses: block("192.0.2.0/28")}
	env.Gateway = generator.Group{Pods: pods("gatehouse", "gateway")}
	env.Monitoring = generator.Group{Pods: pods("monitoring", "prometheus")}
	return env
}

// Truth reads an edges.txt: lines "FROM -> TO PORT", in which an end is the name of a
// workload or what notation.ParsePeer reads, and the API server needs no port.
func Truth(u *generator.Universe, text string) ([]generator.Edge, error) {
	named := map[string]generator.Peer{}
	for _, w := range u.Workloads() {
		named[w.ID.Name] = generator.WorkloadPeerOf(w.ID)
	}
	var out []generator.Edge
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
			continue
		case len(words) == 3 && words[2] == "api-server":
			words = append(words, "TCP/6443")
		}
		if len(words) != 4 || words[1] != "->" {
			return nil, fmt.Errorf("line %d is no edge: %q", number, line)
		}
		var ends [2]generator.Peer
		for i, word := range []string{words[0], words[2]} {
			p, known := named[word]
			if !known {
				var err error
				if p, err = notation.ParsePeer(word); err != nil {
					return nil, fmt.Errorf("line %d: %w", number, err)
				}
			}
			ends[i] = p
		}
		ports, err := notation.ParsePorts(words[3])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		for _, p := range ports {
			why := []generator.Evidence{{Source: generator.Intent, Confidence: generator.Certain, Where: fmt.Sprintf("edges.txt:%d", number)}}
			out = append(out, generator.Edge{From: ends[0], To: ends[1], Port: p, Because: why})
		}
	}
	return out, nil
}
