// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// localNames are names of the machine that resolves them. Everything below
// "localhost" is, too (RFC 6761 §6.3).
var localNames = []string{
	"localhost", "localhost.localdomain", "localhost4", "localhost6", "localhost6.localdomain6", "ip6-localhost", "ip6-loopback",
	"host.docker.internal", "gateway.docker.internal", "kubernetes.docker.internal", "host.containers.internal", "host.minikube.internal",
}

// metadataNames are names of the servers from which a cloud's machines get
// their credentials.
// https://cloud.google.com/compute/docs/metadata/overview
// https://www.tencentcloud.com/document/product/213/4934
// https://cloud.ibm.com/docs/vpc?topic=vpc-imd-about
// https://deploy.equinix.com/developers/docs/metal/server-metadata/metadata/
var metadataNames = []string{
	"metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal", "metadata.tencentyun.com", "api.metadata.cloud.ibm.com",
	"metadata.packet.net", "metadata.platformequinix.com", "instance-data", "instance-data.ec2.internal", "rancher-metadata",
}

// addressZones are public DNS zones in which anyone's name answers with an
// address of his choice, or with loopback.
// https://nip.io https://sslip.io https://readme.localtest.me
var addressZones = []string{"nip.io", "sslip.io", "xip.io", "traefik.me", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com"}

// metadataAddresses are cloud metadata servers outside the link-local range:
// Alibaba, Oracle, Azure's wire server, AWS and Google on IPv6.
var metadataAddresses = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd20:ce::254"),
}

// canonicalHost writes a host name as resolvers compare it: lower case, without
// surrounding space, brackets or final dots.
func canonicalHost(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.Map(func(r rune) rune {
		switch r {
		case '\u3002', '\uff0e', '\uff61': // the ideographic full stops of IDNA (RFC 3490 §3.1)
			return '.'
		case '[', ']':
			return -1
		}
		if r >= '\uff10' && r <= '\uff19' { // full-width digits
			return r - '\uff10' + '0'
		}
		return r
	}, name)
	return strings.TrimRightFunc(name, func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
}

// leadsInside says where a host leads that an ExternalName must not lead to.
// The host is canonical, the namespace is that of the Service.
func leadsInside(host, namespace string, in checks.Input) (string, bool) {
	if a, ok := hostAddress(host); ok {
		return addressRole(a), true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case endsInNumber(last):
		return "which programs read as an address and not as a name", true
	case slices.Contains(localNames, host) || last == "localhost":
		return "the machine of whoever resolves it", true
	case slices.Contains(metadataNames, host):
		return "which hands out the credentials of the cloud's machines", true
	case slices.ContainsFunc(addressZones, func(z string) bool { return host == z || strings.HasSuffix(host, "."+z) }):
		return "a name that answers with an address written in it, or with loopback", true
	}
	return clusterName(host, namespace, in)
}

// clusterName recognises the DNS names of Services and pods of other
// namespaces. https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
func clusterName(host, namespace string, in checks.Input) (string, bool) {
	rest, inside := host, false
	for _, domain := range clusterDomains(in) {
		domain = canonicalHost(domain)
		if cut, found := strings.CutSuffix(host, domain); domain != "" && found && (cut == "" || strings.HasSuffix(cut, ".")) {
			rest, inside = strings.TrimSuffix(cut, "."), true
			break
		}
	}
	labels := strings.Split(rest, ".")
	n := len(labels)
	switch {
	case labels[n-1] == "svc" || labels[n-1] == "pod":
		if n < 2 {
			return "the DNS zone of the cluster", true
		}
		if other := labels[n-2]; other != namespace {
			return "which is in namespace " + other, true
		}
		return "", false
	case inside:
		return "which is in the DNS zone of the cluster", true
	case host == "kubernetes.default":
		return "the API server", true
	case n == 2 && labels[1] != namespace && in.Inventory.Service(labels[1], labels[0]) != nil:
		return "which search domains complete to Service " + labels[1] + "/" + labels[0], true
	}
	return "", false
}

// clusterDomains are the domains under which Services may be resolved.
func clusterDomains(in checks.Input) []string {
	return []string{in.Parameters.ClusterDomain, "cluster.local", "clusterset.local"}
}

// hostAddress reads a host as an address, in every form that a resolver or the
// C library takes.
func hostAddress(host string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.WithZone("").Unmap(), true
	}
	return classicAddress(host)
}

// classicAddress reads an IPv4 address as inet_aton does: one to four numbers,
// each decimal, octal with a leading 0 or hexadecimal with a leading 0x, the
// last filling the bytes that are left.
func classicAddress(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, ok := classicNumber(part)
		limit := uint64(1) << 8
		if i == len(parts)-1 {
			limit = 1 << (8 * (5 - len(parts)))
		}
		if !ok || n >= limit {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			value |= n
		} else {
			value |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func classicNumber(s string) (uint64, bool) {
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"):
		s, base = s[2:], 16
		if s == "" {
			return 0, true
		}
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	for i := range len(s) {
		if s[i] == '_' || s[i] == '+' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, base, 64)
	return n, err == nil
}

// endsInNumber reports whether the last label of a host makes the host an
// address and never a name: no top-level domain is a number.
func endsInNumber(last string) bool {
	digits := last != ""
	for i := range len(last) {
		digits = digits && last[i] >= '0' && last[i] <= '9'
	}
	if digits {
		return true
	}
	hex, found := strings.CutPrefix(last, "0x")
	return found && strings.Trim(hex, "0123456789abcdef") == ""
}

// addressRole says what an address is to a proxy inside the cluster.
func addressRole(a netip.Addr) string {
	switch {
	case a.IsLoopback() || a.IsUnspecified():
		return "the machine of whoever connects"
	case slices.Contains(metadataAddresses, a) || a == netip.AddrFrom4([4]byte{169, 254, 169, 254}):
		return "the metadata server of a cloud"
	case a.IsLinkLocalUnicast():
		return "a link-local address, where cloud metadata servers are"
	case a.IsPrivate() || sharedSpace.Contains(a):
		return "a bare address of a private network"
	}
	return "a bare address, which is not a DNS name"
}
