// SPDX-License-Identifier: Apache-2.0

package notation

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Surroundings say what the objects of a cluster seldom do: what the groups among
// the peers are. Each is the values of the flag that is named beside it; an empty
// one leaves the environment as it is.
type Surroundings struct {
	DNS, APIServer, Gateway, Monitoring []string // --dns, --api-server, --gateway, --monitoring: as ParseGroup reads them
	Nodes, Pods, Services               []string // --node-cidr, --pod-cidr, --service-cidr: as ParseBlock does
}

// The ports that a flag means without one.
var (
	UsualDNS       = []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)}
	UsualAPIServer = []generator.Port{generator.NumberedPort(generator.TCP, 6443)}
)

// Apply puts what is said in the place of what an environment has. All faults come
// together, each with its flag.
func (s *Surroundings) Apply(env *generator.Environment) error {
	var faults []error
	for _, g := range []struct {
		flag   string
		values []string
		usual  []generator.Port
		to     *generator.Group
	}{
		{"--dns", s.DNS, UsualDNS, &env.DNS},
		{"--api-server", s.APIServer, UsualAPIServer, &env.APIServer},
		{"--gateway", s.Gateway, nil, &env.Gateway},
		{"--monitoring", s.Monitoring, nil, &env.Monitoring},
	} {
		if len(g.values) == 0 {
			continue
		}
		parsed, err := ParseGroup(g.values, g.usual)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s %w", g.flag, err))
			continue
		}
		parsed.Where = g.flag
		*g.to = parsed
	}
	if len(s.Nodes) > 0 {
		env.Nodes = generator.Group{Where: "--node-cidr"}
	}
	for _, b := range []struct {
		flag   string
		values []string
		to     *[]netip.Prefix
	}{{"--node-cidr", s.Nodes, &env.Nodes.Addresses}, {"--pod-cidr", s.Pods, &env.PodRanges}, {"--service-cidr", s.Services, &env.ServiceRanges}} {
		if len(b.values) == 0 {
			continue
		}
		*b.to = nil
		for _, text := range b.values {
			p, err := ParseBlock(text)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s %w", b.flag, err))
				continue
			}
			*b.to = append(*b.to, p)
		}
	}
	return errors.Join(faults...)
}
