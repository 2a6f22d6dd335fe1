// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// environmentFlags say what manifests seldom do: what the groups among the peers
// are in the cluster.
type environmentFlags struct {
	domain                                  string
	dns, apiServer, nodes, gateway, monitor []string
	pods, services                          []string
}

func (f *environmentFlags) add(flags *pflag.FlagSet) {
	const form = "; an address, a block of addresses, or pods as namespace/key=value,key=value; :port at its end for another port than usual"
	flags.StringVar(&f.domain, "cluster-domain", generator.DefaultDomain, "domain of the cluster's Services")
	flags.StringArrayVar(&f.dns, "dns", nil, "the name servers, default what the files say, else kube-system/k8s-app=kube-dns"+form)
	flags.StringArrayVar(&f.apiServer, "api-server", nil, "the API server, on 6443"+form)
	flags.StringArrayVar(&f.nodes, "node-cidr", nil, "addresses of the nodes")
	flags.StringArrayVar(&f.gateway, "gateway", nil, "the pods of the ingress gateway"+form)
	flags.StringArrayVar(&f.monitor, "monitoring", nil, "the pods that scrape metrics"+form)
	flags.StringArrayVar(&f.pods, "pod-cidr", nil, "addresses of pods, which are not outside of the cluster")
	flags.StringArrayVar(&f.services, "service-cidr", nil, "cluster addresses of Services, which are not outside of the cluster")
}

// assumedDNS is where most distributions run their name servers: the label that
// the Service kube-system/kube-dns selects, in kubeadm, EKS, AKS, GKE and k3s.
const assumedDNS = "kube-system/k8s-app=kube-dns"

// usual are the ports that a flag means without one.
var (
	usualDNS       = []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)}
	usualAPIServer = []generator.Port{generator.NumberedPort(generator.TCP, 6443)}
)

// apply puts what the flags say in the place of what the files said. It returns
// what was assumed, in words. All faults come together.
func (f *environmentFlags) apply(env *generator.Environment) (assumed []string, err error) {
	env.Domain = f.domain
	var faults []error
	group := func(flag string, values []string, usual []generator.Port, g *generator.Group) {
		if len(values) == 0 {
			return
		}
		parsed, err := parseGroup(values, usual)
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s %w", flag, err))
			return
		}
		parsed.Where = "--" + flag
		*g = parsed
	}
	blocks := func(flag string, values []string, list *[]netip.Prefix) {
		if len(values) == 0 {
			return
		}
		*list = nil
		for _, text := range values {
			p, err := parseBlock(text)
			if err != nil {
				faults = append(faults, fmt.Errorf("--%s %q: not an address or a block of addresses such as 10.0.0.0/8", flag, text))
				continue
			}
			*list = append(*list, p)
		}
	}
	group("dns", f.dns, usualDNS, &env.DNS)
	group("api-server", f.apiServer, usualAPIServer, &env.APIServer)
	group("gateway", f.gateway, nil, &env.Gateway)
	group("monitoring", f.monitor, nil, &env.Monitoring)
	if len(f.nodes) > 0 {
		env.Nodes = generator.Group{Where: "--node-cidr"}
	}
	blocks("node-cidr", f.nodes, &env.Nodes.Addresses)
	blocks("pod-cidr", f.pods, &env.PodRanges)
	blocks("service-cidr", f.services, &env.ServiceRanges)
	if env.DNS.Empty() && len(f.dns) == 0 {
		if env.DNS, err = parseGroup([]string{assumedDNS}, usualDNS); err != nil {
			faults = append(faults, err)
		}
		env.DNS.Where = "the usual place"
		assumed = append(assumed, "the files have no name servers: "+assumedDNS+" on port 53 is assumed (--dns says otherwise)")
	}
	return assumed, errors.Join(faults...)
}

// parseGroup reads the values of one flag.
func parseGroup(values []string, usual []generator.Port) (generator.Group, error) {
	var g generator.Group
	for _, text := range values {
		what, ports, err := cutPort(text, usual)
		if err != nil {
			return g, err
		}
		g.Ports = append(g.Ports, ports...)
		if p, err := parseBlock(what); err == nil {
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
	if _, err := parseBlock(text); err == nil {
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

// parseBlock reads an address or a block of addresses; host bits are dropped.
func parseBlock(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return generator.CIDRPeerOf(netip.PrefixFrom(a.WithZone(""), a.BitLen())).Prefix, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return generator.CIDRPeerOf(p).Prefix, nil
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
