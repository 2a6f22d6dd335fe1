// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxPins bounds the addresses read of one object. It is far above one address for each of the two IP families that a
// Service can have (https://kubernetes.io/docs/concepts/services-networking/dual-stack/).
const maxPins = 64

// privateBlocks cannot be reached from the internet: RFC 1918 §3, RFC 6598 §7 (carrier-grade NAT), RFC 3927 §2.1 and
// RFC 4291 §2.5.6 (link-local), RFC 4193 §3.1 (unique local).
var privateBlocks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fc00::/7"),
}

// private says whether a whole range is private by registration or trusted by the operator.
func private(p netip.Prefix, trusted []netip.Prefix) bool {
	p, ok := normalise(p)
	if !ok {
		return false
	}
	for _, block := range privateBlocks {
		if within(p, block) {
			return true
		}
	}
	for _, block := range trusted {
		if block, ok := normalise(block); ok && within(p, block) {
			return true
		}
	}
	return false
}

func within(p, block netip.Prefix) bool {
	return block.Bits() <= p.Bits() && block.Contains(p.Addr())
}

// normalise writes an IPv4-mapped IPv6 range as IPv4 and clears the host bits. A mapped range shorter than /96 is wider
// than IPv4 and stays IPv6.
func normalise(p netip.Prefix) (netip.Prefix, bool) {
	if !p.IsValid() {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// pin parses a list of addresses and adds them to the verdict. The result says whether every entry was one.
func (v *Verdict) pin(from, list string) (addrs []netip.Addr, ok bool) {
	ok = true
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		addr, err := netip.ParseAddr(entry)
		if err != nil || addr.Zone() != "" || len(addrs) >= maxPins {
			ok = false
			v.conflict("%s holds %s, which is not an address that can be read", from, quote(entry))
			if len(addrs) >= maxPins {
				return addrs, false
			}
			continue
		}
		addr = addr.Unmap()
		addrs = append(addrs, addr)
		if len(v.PinnedAddresses) < maxPins && !slices.Contains(v.PinnedAddresses, addr) {
			v.PinnedAddresses = append(v.PinnedAddresses, addr)
		}
	}
	return addrs, ok
}

// pinnedList is one list of addresses and where it stands.
type pinnedList struct {
	annotation string
	addrs      []netip.Addr
	ok         bool
}

// readPins parses the pin annotations of a row.
func readPins(row *Provider, annotations map[string]string, v *Verdict) []pinnedList {
	if len(annotations) == 0 {
		return nil
	}
	var lists []pinnedList
	for _, group := range row.PinKeys {
		used := ""
		for _, key := range group {
			value, ok := annotations[key]
			switch {
			case !ok:
			case used != "":
				if value != annotations[used] {
					v.conflict("annotation %s is %s, but %s takes precedence", key, quote(value), used)
				}
			default:
				used = key
				if strings.TrimSpace(value) == "" {
					continue
				}
				addrs, ok := v.pin("annotation "+key, value)
				lists = append(lists, pinnedList{key, addrs, ok})
			}
		}
	}
	return lists
}

// byAddress judges by pinned addresses, else by the named pool, else by all pools.
func byAddress(row *Provider, in input, cfg *Config, v *Verdict, lists []pinnedList) (result, bool) {
	if in.address != "" {
		if row.SpecPin == SpecPinExcludes && len(lists) != 0 {
			v.conflict("annotation %s and spec.loadBalancerIP are both set", lists[0].annotation)
			return result{
				provider: row.Name, annotation: lists[0].annotation,
				evidence: fmt.Sprintf("the %s refuses annotation %s together with spec.loadBalancerIP", row.Title, lists[0].annotation),
			}, true
		}
		addr, err := netip.ParseAddr(in.address)
		lists = append(lists, pinnedList{addrs: []netip.Addr{addr.Unmap()}, ok: err == nil && addr.Zone() == ""})
	}
	if len(lists) != 0 {
		return byPins(row, cfg, lists), true
	}
	return byPool(row, in, cfg)
}

func byPins(row *Provider, cfg *Config, lists []pinnedList) result {
	var sample string
	for i := range lists {
		for _, addr := range lists[i].addrs {
			if !lists[i].ok || addr.IsUnspecified() || !private(netip.PrefixFrom(addr, addr.BitLen()), cfg.TrustedPools) {
				return openPin(row, &lists[i], addr)
			}
			if sample == "" {
				sample = fmt.Sprintf("%s asks for %s", lists[i].from(), addr)
			}
		}
		if !lists[i].ok {
			return openPin(row, &lists[i], netip.Addr{})
		}
	}
	return result{scheme: Internal, provider: row.Name, annotation: lists[0].annotation, evidence: sample + ", which is private or trusted"}
}

// openPin is the answer for a list that is not private as a whole.
func openPin(row *Provider, list *pinnedList, addr netip.Addr) result {
	r := result{provider: row.Name, annotation: list.annotation}
	switch {
	case !list.ok:
		r.evidence = list.from() + " holds something that is not an address, so the address cannot be told"
	case addr.IsUnspecified():
		r.evidence = fmt.Sprintf("%s asks for %s, which leaves the address to the network", list.from(), addr)
	default:
		r.scheme = Public
		r.evidence = fmt.Sprintf("%s asks for %s, which is neither private nor in a trusted pool", list.from(), addr)
	}
	return r
}

func (l *pinnedList) from() string {
	if l.annotation == "" {
		return "spec.loadBalancerIP"
	}
	return "annotation " + l.annotation
}

// byPool judges by the address pool. ok is false when no pool is named and the pools of the cluster do not decide.
func byPool(row *Provider, in input, cfg *Config) (r result, ok bool) {
	key, name := "", ""
	for _, k := range row.PoolKeys {
		if value, present := in.annotations[k]; present {
			key, name = k, value
			break
		}
	}
	if cfg.Pools == nil {
		return result{}, false
	}
	if name == "" {
		for _, pool := range sortedKeys(cfg.Pools) {
			if !privatePool(cfg.Pools[pool], cfg.TrustedPools) {
				return result{}, false
			}
		}
		if len(cfg.Pools) == 0 {
			return result{}, false
		}
		return result{scheme: Internal, provider: row.Name, evidence: "every address pool of the cluster is private or trusted"}, true
	}
	r = result{provider: row.Name, annotation: key}
	pool, known := cfg.Pools[name]
	switch {
	case !known:
		r.evidence = fmt.Sprintf("annotation %s names pool %s, which is not known", key, quote(name))
	case privatePool(pool, cfg.TrustedPools):
		r.scheme = Internal
		r.evidence = fmt.Sprintf("annotation %s names pool %s, whose addresses are private or trusted", key, quote(name))
	default:
		r.scheme = Public
		r.evidence = fmt.Sprintf("annotation %s names pool %s, which has addresses that are neither private nor trusted", key, quote(name))
	}
	return r, true
}

// privatePool says whether no address of a pool can be public. An empty pool has no address to judge by.
func privatePool(pool, trusted []netip.Prefix) bool {
	for _, prefix := range pool {
		if !private(prefix, trusted) {
			return false
		}
	}
	return len(pool) != 0
}
