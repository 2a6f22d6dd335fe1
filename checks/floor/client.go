// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"cmp"
	"net/netip"
	"slices"
)

// Client is Access for a ClientPolicy: what it says of who a client is, of what clients may
// say about themselves, and of how they come. Its limits and what browsers are told (HSTS)
// are no part of a floor, and not compared.
func Client(before, after map[string]any) []Looser {
	d := &weakening{}
	for _, key := range []string{"trustedProxies", "proxyProtocolFrom"} {
		if !covered(texts(after[key]), texts(before[key])) {
			d.add("spec."+key, "believes more addresses who their clients are")
		}
	}
	if old, now := orElse(before, "forwardedBy", "X-Forwarded-For"), orElse(after, "forwardedBy", "X-Forwarded-For"); old != now && len(texts(after["trustedProxies"])) > 0 {
		d.add("spec.forwardedBy", "reads who a client is in another line, which proxies may pass on as clients sent it")
	}
	d.headers(child(before, "headers"), child(after, "headers"))
	d.others("spec.path", child(before, "path"), child(after, "path"))
	if was, given := number(before["redirectToHTTPS"]); given && was != 0 {
		d.same("spec.redirectToHTTPS", before["redirectToHTTPS"], after["redirectToHTTPS"], "serves without TLS what was sent to HTTPS, or sends it elsewhere")
	}
	old, now := child(before, "tls"), child(after, "tls")
	d.others("spec.tls", old, now, "minVersion")
	if orElse(now, "minVersion", oldestTLS) < orElse(old, "minVersion", oldestTLS) {
		d.add("spec.tls.minVersion", "speaks an older version of TLS")
	}
	d.others("spec", before, after, "targetRefs", "trustedProxies", "proxyProtocolFrom", "forwardedBy", "headers", "path", "redirectToHTTPS", "tls", "hsts", "limits")
	slices.SortStableFunc(d.found, func(a, b Looser) int { return cmp.Compare(a.Field, b.Field) })
	return d.found
}

// oldestTLS is spoken where nothing is said (docs/gateway-policies.md).
const oldestTLS = "1.2"

func (d *weakening) headers(before, after map[string]any) {
	if !within(texts(before["identity"]), texts(after["identity"])) {
		d.add("spec.headers.identity", "lets clients send lines in which backends are told who asks")
	}
	if !within(texts(after["keepOverrides"]), texts(before["keepOverrides"])) {
		d.add("spec.headers.keepOverrides", "lets clients send more lines that override what was judged")
	}
	if orElse(after, "otherNames", "Drop") == "Keep" && orElse(before, "otherNames", "Drop") != "Keep" {
		d.add("spec.headers.otherNames", "lets clients send lines that backends may take for others")
	}
	d.others("spec.headers", before, after, "identity", "keepOverrides", "otherNames")
}

func orElse(m map[string]any, key, otherwise string) string {
	text, _ := m[key].(string)
	return cmp.Or(text, otherwise)
}

// covered reports whether each block of addresses lies in one of others. What is no block
// does not.
func covered(blocks, others []string) bool {
	return !slices.ContainsFunc(blocks, func(s string) bool {
		block, err := netip.ParsePrefix(s)
		return err != nil || !slices.ContainsFunc(others, func(o string) bool {
			other, err := netip.ParsePrefix(o)
			return err == nil && other.Bits() <= block.Bits() && other.Contains(block.Addr())
		})
	})
}

// Everybody lists the fields of a ClientPolicy by which everybody who comes says himself
// which client he is. A list has at most 64 blocks, so those that are all addresses together
// have one that counts here: of less than 8 bits, or 16 of IPv6, and not of local addresses.
func Everybody(spec map[string]any) []Looser {
	var out []Looser
	for _, key := range []string{"trustedProxies", "proxyProtocolFrom"} {
		if slices.ContainsFunc(texts(spec[key]), wide) {
			out = append(out, Looser{"spec." + key, "believes everybody who his client is"})
		}
	}
	return out
}

func wide(text string) bool {
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return false // which the API server refuses
	}
	if block.Addr().Is4() {
		return block.Bits() < 8
	}
	local := block.Bits() >= 7 && (block.Addr().IsPrivate() || block.Addr().IsLinkLocalUnicast())
	return block.Bits() < 16 && !local
}
