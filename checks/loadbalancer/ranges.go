// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const sourceRangesField = "spec.loadBalancerSourceRanges"

// rangeFormat is how an annotation with source ranges is written.
type rangeFormat uint8

const (
	commaList rangeFormat = iota // CIDRs separated by commas
	tagged                       // "cidr:10.0.0.0/8,ip:10.0.0.1"
	elsewhere                    // the restriction is an object outside the cluster
)

// rangeKey is one annotation that restricts who may connect.
type rangeKey struct {
	annotation string
	format     rangeFormat
	also       []Selector // must match too, or the annotation has no effect
	source     string
}

// rangeKeys are tried in this order after spec.loadBalancerSourceRanges, which every controller prefers.
var rangeKeys = []rangeKey{
	{
		annotation: corev1.AnnotationLoadBalancerSourceRangesKey,
		source:     "https://github.com/kubernetes/cloud-provider/blob/master/service/helpers/helper.go",
	},
	{
		annotation: "service.beta.kubernetes.io/azure-allowed-ip-ranges",
		source:     "https://github.com/kubernetes-sigs/cloud-provider-azure/blob/master/pkg/consts/consts.go",
	},
	{
		annotation: "service.beta.kubernetes.io/do-loadbalancer-allow-rules", format: tagged,
		source: "https://docs.digitalocean.com/products/kubernetes/how-to/configure-load-balancers/",
	},
	{
		annotation: "service.beta.kubernetes.io/azure-allowed-service-tags", format: elsewhere,
		source: "https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/",
	},
	{
		annotation: "service.beta.kubernetes.io/aws-load-balancer-security-groups", format: elsewhere,
		source: "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/",
	},
	{
		annotation: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-acl-id", format: elsewhere,
		also: []Selector{
			{Annotation: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-acl-status", Values: []string{"on"}},
			{Annotation: "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-acl-type", Values: []string{"white"}},
		},
		source: "https://www.alibabacloud.com/help/en/ack/",
	},
}

// SourceRanges are the ranges that may connect to the load balancer of a Service, as written but trimmed, and the field or
// annotation that they come from. No ranges and no origin: anyone may connect. No ranges but an origin: the restriction is
// an object outside the cluster and cannot be judged. Empty entries are kept, because the API server refuses them.
func SourceRanges(svc *corev1.Service) (ranges []string, from string) {
	if svc == nil {
		return nil, ""
	}
	if len(svc.Spec.LoadBalancerSourceRanges) != 0 {
		ranges = make([]string, len(svc.Spec.LoadBalancerSourceRanges))
		for i, entry := range svc.Spec.LoadBalancerSourceRanges {
			ranges[i] = strings.TrimSpace(entry)
		}
		return ranges, sourceRangesField
	}
	if len(svc.Annotations) == 0 {
		return nil, ""
	}
	for i := range rangeKeys {
		key := &rangeKeys[i]
		value := strings.TrimSpace(svc.Annotations[key.annotation])
		if value == "" || !key.applies(svc.Annotations) {
			continue
		}
		if key.format == elsewhere {
			return nil, key.annotation
		}
		return key.split(value), key.annotation
	}
	return nil, ""
}

func (k *rangeKey) applies(annotations map[string]string) bool {
	for i := range k.also {
		if !k.also[i].matches(annotations) {
			return false
		}
	}
	return true
}

func (k *rangeKey) split(value string) []string {
	entries := strings.Split(value, ",")
	for i, entry := range entries {
		entry = strings.TrimSpace(entry)
		if k.format == tagged {
			entry = untag(entry)
		}
		entries[i] = entry
	}
	return entries
}

// untag writes "cidr:RANGE" as RANGE and "ip:ADDRESS" as a range of one address. Anything else stays as it is.
func untag(entry string) string {
	if cidr, ok := strings.CutPrefix(entry, "cidr:"); ok {
		return strings.TrimSpace(cidr)
	}
	if ip, ok := strings.CutPrefix(entry, "ip:"); ok {
		if addr, err := netip.ParseAddr(strings.TrimSpace(ip)); err == nil && addr.Zone() == "" {
			return netip.PrefixFrom(addr, addr.BitLen()).String()
		}
	}
	return entry
}

// maxRanges bounds the ranges that are read of one object; clouds accept far fewer rules per load balancer.
const maxRanges = 4096

// ParseRanges reads ranges in CIDR notation. Host bits are cleared and IPv4-mapped IPv6 is written as IPv4. There is one
// error for each entry that is not a range, in order. An entry with leading zeros, which Kubernetes reads as decimal and
// other programs as octal, gives the decimal range and an error.
func ParseRanges(ranges []string) ([]netip.Prefix, []error) {
	var errs []error
	if len(ranges) > maxRanges {
		errs = append(errs, fmt.Errorf("read source ranges: %d are given and only the first %d were read", len(ranges), maxRanges))
		ranges = ranges[:maxRanges]
	}
	prefixes := make([]netip.Prefix, 0, len(ranges))
	for _, text := range ranges {
		prefix, err := parseRange(strings.TrimSpace(text))
		if err != nil {
			errs = append(errs, err)
		}
		if prefix.IsValid() {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes, errs
}

// maxRangeLength is longer than any range: 39 bytes of IPv6 (45 with an IPv4 tail), a slash and three digits, with zeros
// to spare.
const maxRangeLength = 80

func parseRange(text string) (netip.Prefix, error) {
	address, length, found := strings.Cut(text, "/")
	if !found || len(text) > maxRangeLength {
		return netip.Prefix{}, fmt.Errorf("read source range %s: it is not in CIDR notation, such as 10.0.0.0/24", quote(text))
	}
	plainAddress, plainLength := trimZeros(address), decimal(length)
	addr, err := netip.ParseAddr(plainAddress)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("read source range %s: %s is not an address", quote(text), quote(address))
	}
	bits, err := strconv.ParseUint(plainLength, 10, 8)
	if err != nil || int(bits) > addr.BitLen() {
		return netip.Prefix{}, fmt.Errorf("read source range %s: %s is not a prefix length", quote(text), quote(length))
	}
	prefix, ok := normalise(netip.PrefixFrom(addr, int(bits)))
	if !ok {
		return netip.Prefix{}, fmt.Errorf("read source range %s: it is not valid", quote(text))
	}
	if plainAddress != address || plainLength != length {
		return prefix, fmt.Errorf("read source range %s: leading zeros are ambiguous, write %s", quote(text), prefix)
	}
	return prefix, nil
}

// trimZeros drops the leading zeros of the decimal parts of an address: the dotted part, if there is one.
func trimZeros(address string) string {
	head, dotted := "", address
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		head, dotted = address[:i+1], address[i+1:]
	}
	if !strings.Contains(dotted, ".") {
		return address
	}
	parts := strings.Split(dotted, ".")
	for i, part := range parts {
		parts[i] = decimal(part)
	}
	return head + strings.Join(parts, ".")
}

// decimal drops leading zeros but keeps one digit.
func decimal(number string) string {
	trimmed := strings.TrimLeft(number, "0")
	if trimmed == "" && number != "" {
		return "0"
	}
	return trimmed
}

// mappedIPv4 is the address block in which IPv6 writes all of IPv4 (RFC 4291 §2.5.5.2).
var mappedIPv4 = netip.MustParseAddr("::ffff:0.0.0.0")

// Broad says whether a source range lets so much of the internet in that it restricts nothing: shorter than /8 for IPv4,
// the unit in which IANA gives addresses to registries (https://www.iana.org/assignments/ipv4-address-space), shorter than
// /32 for IPv6, what a registry gives one provider at least (https://www.ripe.net/publications/docs/ripe-738/), or
// an IPv6 range that holds all of IPv4. A range that is not valid is broad.
func Broad(p netip.Prefix) bool {
	p, ok := normalise(p)
	switch {
	case !ok:
		return true
	case p.Addr().Is4():
		return p.Bits() < 8
	}
	return p.Bits() < 32 || p.Contains(mappedIPv4)
}
