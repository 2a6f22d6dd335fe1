// SPDX-License-Identifier: Apache-2.0

package notation

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// words are the peers that go by one word.
var words = map[string]generator.PeerKind{
	"dns": generator.DNSPeer, "api-server": generator.APIServerPeer, "nodes": generator.NodePeer, "gateway": generator.GatewayPeer,
	"monitoring": generator.MonitoringPeer, "cluster": generator.ClusterPeer, "external": generator.ExternalPeer, "world": generator.ExternalPeer,
}

// ErrPeer is what is wrong with a text that names no end.
var ErrPeer = errors.New("neither a workload (namespace/name or kind/namespace/name), a Service (service/namespace/name), " +
	"a namespace (namespace/name or name/*), an address or a block of addresses, a domain name, " +
	"nor one of dns, api-server, nodes, gateway, monitoring, cluster, world")

// ParsePeer reads one end:
//
//	shop/web, deployment/shop/web   a workload; its Workload is as written, and Find looks it up
//	service/shop/carts              a Service
//	namespace/shop, shop/*          every pod of a namespace; */* of every one, as "cluster"
//	10.0.0.0/8, 192.0.2.7           addresses, without host bits
//	api.example.com, *.example.com  a domain name
//	dns, api-server, nodes, gateway, monitoring, cluster, world
//
// "external" is another word for "world".
func ParsePeer(text string) (generator.Peer, error) {
	if kind, is := words[text]; is {
		return generator.Peer{Kind: kind}, nil
	}
	if p, err := ParseBlock(text); err == nil {
		return generator.CIDRPeerOf(p), nil
	} else if errors.Is(err, errHostBits) {
		return generator.Peer{}, err
	}
	parts := strings.Split(text, "/")
	for i, part := range parts[1:] {
		if last := i == len(parts)-2; part == "*" && last && len(parts) == 2 {
			continue
		} else if !isName(part, last) {
			return generator.Peer{}, fmt.Errorf("%q is %w", Shortened(text), ErrPeer)
		}
	}
	switch {
	case text == "*/*":
		return generator.Peer{Kind: generator.ClusterPeer}, nil
	case len(parts) == 1 && strings.Contains(text, "."):
		if name, ok := ParseDomain(text); ok {
			return generator.FQDNPeerOf(name), nil
		}
	case len(parts) == 2 && parts[1] == "*" && isName(parts[0], false):
		return generator.NamespacePeerOf(parts[0]), nil
	case len(parts) == 2 && strings.EqualFold(parts[0], "namespace") && isName(parts[1], false):
		return generator.NamespacePeerOf(parts[1]), nil
	case len(parts) == 2 && isName(parts[0], false):
		return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: parts[0], Name: parts[1]}), nil
	case len(parts) == 3 && slices.Contains([]string{"service", "services", "svc"}, strings.ToLower(parts[0])):
		return generator.ServicePeerOf(parts[1], parts[2]), nil
	case len(parts) == 3 && isKind(parts[0]):
		return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: parts[1], Kind: parts[0], Name: parts[2]}), nil
	}
	return generator.Peer{}, fmt.Errorf("%q is %w", Shortened(text), ErrPeer)
}

// isName reports whether a text can be the name of a namespace, or of an object,
// which may have dots.
func isName(text string, object bool) bool {
	if object {
		return len(validation.IsDNS1123Subdomain(text)) == 0
	}
	return len(validation.IsDNS1123Label(text)) == 0
}

// isKind: kinds are letters and digits, in any case.
func isKind(text string) bool {
	return text != "" && len(text) <= 63 && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0
}

var errHostBits = errors.New("not a block of addresses, which is written without host bits")

// ParseBlock reads an address or a block of addresses. A block with host bits is a
// fault: it may be a block of another size, or the address alone, that was meant.
func ParseBlock(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if a, single := netip.ParseAddr(text); single == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q: not an address or a block of addresses such as 10.0.0.0/8", Shortened(text))
	case p.Masked() != p:
		return netip.Prefix{}, fmt.Errorf("%q: %w: is %s meant, or %s alone?", text, errHostBits, p.Masked(), p.Addr())
	}
	return generator.CIDRPeerOf(p).Prefix, nil
}

// ParseDomain reads a domain name with at least two labels, the first of which may
// be "*". What ends in a number is none: it would be an address (RFC 3696 §2).
func ParseDomain(text string) (name string, ok bool) {
	name = strings.ToLower(strings.TrimSuffix(text, "."))
	bare := strings.TrimPrefix(name, "*.")
	dot := strings.LastIndexByte(bare, '.')
	return name, len(validation.IsDNS1123Subdomain(bare)) == 0 && dot > 0 && strings.Trim(bare[dot+1:], "0123456789") != ""
}

// Find completes the peer of a workload by its kind as the universe has it. Other
// peers are returned as they are; whether they exist is for generator.Build to say.
func Find(u *generator.Universe, p generator.Peer) (generator.Peer, error) {
	if p.Kind != generator.WorkloadPeer {
		return p, nil
	}
	var found []generator.WorkloadID
	within := u.Within(p.Namespace)
	others := make([]string, 0, len(within))
	for _, w := range within {
		others = append(others, w.ID.Name)
		if w.ID.Name == p.Name && (p.Workload == "" || strings.EqualFold(p.Workload, w.ID.Kind)) {
			found = append(found, w.ID)
		}
	}
	switch len(found) {
	case 1:
		return generator.WorkloadPeerOf(found[0]), nil
	case 0:
		return generator.Peer{}, fmt.Errorf("no workload %s in namespace %s; there are %s", written(p), p.Namespace, few(others))
	}
	names := make([]string, len(found))
	for i, id := range found {
		names[i] = strings.ToLower(id.Kind) + "/" + id.Namespace + "/" + id.Name
	}
	return generator.Peer{}, fmt.Errorf("%s/%s is several workloads: say %s", p.Namespace, p.Name, strings.Join(names, " or "))
}

func written(p generator.Peer) string {
	if p.Workload == "" {
		return p.Name
	}
	return strings.ToLower(p.Workload) + "/" + p.Name
}

// few lists some of what there is to choose from.
func few(names []string) string {
	const most = 20
	slices.Sort(names)
	names = slices.Compact(names)
	switch n := len(names); {
	case n == 0:
		return "none"
	case n > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n-most)
	}
	return strings.Join(names, ", ")
}
