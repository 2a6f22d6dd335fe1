// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// parseNetwork reads a network whose host bits are zero. IPv4-mapped IPv6, which
// compares unequal to the IPv4 it means, and /0, which would trust everybody, are
// refused, as in the CRD.
func parseNetwork(s string) (netip.Prefix, error) {
	if len(s) > maxCIDR {
		return netip.Prefix{}, fmt.Errorf("%s is longer than %d bytes, which no network is", quote(s), maxCIDR)
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%s is not a network such as 10.0.0.0/8 or 2001:db8::/32", quote(s))
	case p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%s is an IPv4-mapped IPv6 network; write it as IPv4", quote(s))
	case p.Masked() != p:
		return netip.Prefix{}, fmt.Errorf("%s has host bits that are not zero; did you mean %s?", quote(s), p.Masked())
	case p.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%s is every address, which is the same as no restriction", quote(s))
	}
	return p, nil
}

// The checks of single values. Each records what is wrong with the value at a
// path.

func dnsLabel(f *faults, at, v string) { invalid(f, at, v, validation.IsDNS1123Label(v)) }

func subdomain(f *faults, at, v string) {
	if len(v) > validation.DNS1123SubdomainMaxLength {
		tooLong(f, at, v, validation.DNS1123SubdomainMaxLength)
		return
	}
	invalid(f, at, v, validation.IsDNS1123Subdomain(v))
}

// qualified checks an annotation key or a load balancer class.
func qualified(f *faults, at, v string) {
	if len(v) > maxClassOrKey {
		tooLong(f, at, v, maxClassOrKey)
		return
	}
	invalid(f, at, v, validation.IsQualifiedName(v))
}

func invalid(f *faults, at, v string, reasons []string) {
	if len(reasons) > 0 {
		f.add(at, "%s is not valid: %s", quote(v), strings.Join(reasons, "; "))
	}
}

func tooLong(f *faults, at, v string, limit int) {
	f.add(at, "%s has more than %d bytes", quote(v), limit)
}

func provider(f *faults, at, v string) {
	known := loadbalancer.Providers()
	if !slices.ContainsFunc(known, func(p loadbalancer.Provider) bool { return p.Name == v }) {
		f.add(at, "no load balancer controller is named %s", quote(v))
	}
}

func username(f *faults, at, v string) {
	switch {
	case v == "" || len(v) > maxUsername:
		f.add(at, "%s does not have 1 to %d bytes", quote(v), maxUsername)
	case !utf8.ValidString(v) || strings.ContainsFunc(v, blank):
		f.add(at, "%s has blanks or control characters, which no user name has", quote(v))
	case strings.ContainsAny(v, "*?"):
		f.add(at, "%s has a wildcard; users are named one by one", quote(v))
	case v == "system:anonymous" || v == "system:unauthenticated":
		f.add(at, "%s is not an authenticated user", quote(v))
	}
}

func blank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func keyValue(f *faults, at, v string) {
	if v == "" || len(v) > maxKeyValue {
		f.add(at, "%s does not have 1 to %d bytes", quote(v), maxKeyValue)
	}
}

func port(f *faults, at string, p int32) {
	if p < 1 || p > highestPort {
		f.add(at, "%d is not in 1 to %d", p, highestPort)
	}
}

var portNamePattern = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9 ._/+]*[A-Za-z0-9+])?$`)

func portName(f *faults, at, v string) {
	if len(v) > maxPortName || !portNamePattern.MatchString(v) {
		f.add(at, "%s is not 1 to %d letters, digits, blanks and . _ / + -, beginning and ending with a letter or digit", quote(v), maxPortName)
	}
}

// checkInjected checks the keys and values that MUT-001 adds.
func checkInjected[V ~string](f *faults, at string, in map[string]V, check func(f *faults, at, value string)) {
	if !f.atMost(at, len(in), maxFew) {
		return
	}
	for _, k := range sortedKeys(in) {
		at := fmt.Sprintf("%s[%s]", at, quote(k))
		qualified(f, at, k)
		if strings.HasPrefix(k, reservedPrefix) {
			f.add(at, "keys that begin with %s belong to Gatehouse", reservedPrefix)
		}
		check(f, at, string(in[k]))
	}
}

func annotationValue(f *faults, at, v string) {
	if len(v) > maxAnnotation {
		tooLong(f, at, v, maxAnnotation)
	}
}

func labelValue(f *faults, at, v string) {
	if len(v) > maxLabelValue {
		tooLong(f, at, v, maxLabelValue)
		return
	}
	invalid(f, at, v, validation.IsValidLabelValue(v))
}
