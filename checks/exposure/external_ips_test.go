// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestExternalIPSpellings holds spellings that an API server refuses on new
// objects and keeps on old ones.
func TestExternalIPSpellings(t *testing.T) {
	t.Parallel()
	check := externalIPs()
	for name, tc := range map[string]struct {
		ips  []string
		want string
	}{
		"an allowed address":                     {[]string{"198.51.100.7"}, ""},
		"an allowed address written as IPv6":     {[]string{"::ffff:198.51.100.7"}, ""},
		"another address written as IPv6":        {[]string{"::ffff:203.0.113.7"}, "externalIP/203.0.113.7"},
		"an address with leading zeros":          {[]string{"198.051.100.7"}, "externalIP/198.051.100.7"},
		"an IPv6 address in two spellings":       {[]string{"2001:DB8:0::7", "2001:db8::7"}, "externalIP/2001:db8::7"},
		"an allowed IPv6 address":                {[]string{"2001:db8:1::7"}, ""},
		"a loopback address":                     {[]string{"127.0.0.1"}, "externalIP/127.0.0.1"},
		"something that is no address":           {[]string{"gateway"}, "externalIP/gateway"},
		"an allowed network instead of one host": {[]string{"198.51.100.0/24"}, "externalIP/198.51.100.0/24"},
		"an empty entry":                         {[]string{""}, "externalIP/"},
		"an empty list":                          {[]string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(service(corev1.ServiceSpec{ExternalIPs: tc.ips}))
			in.Parameters.AllowedExternalIPs = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
			if got := subjects(check.Run(in)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
