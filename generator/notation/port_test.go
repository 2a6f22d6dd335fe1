// SPDX-License-Identifier: Apache-2.0

package notation_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

func TestParsePorts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"443":            "TCP/443",
		"8000-8080":      "TCP/8000-8080",
		"UDP/53":         "UDP/53",
		"udp/53":         "UDP/53",
		"TCP+UDP/9094":   "TCP/9094 UDP/9094",
		"TCP+TCP/9094":   "TCP/9094",
		"SCTP/3000-3010": "SCTP/3000-3010",
		"metrics":        "TCP/metrics",
		"TCP/web-1":      "TCP/web-1",
		"8080-web":       "TCP/8080-web",
		"53/udp":         "UDP/53",
		"53/TCP+UDP":     "TCP/53 UDP/53",
		"http/TCP":       "TCP/http",
		"TCP/udp":        "TCP/udp",
		"TCP":            "TCP",
		"TCP+UDP":        "TCP UDP",
		"any":            "TCP UDP SCTP",
	} {
		list, err := notation.ParsePorts(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		got := make([]string, len(list))
		for i, p := range list {
			got[i] = p.String()
			if err := p.Validate(); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is %q, not %q", text, got, want)
		}
	}
	for _, text := range []string{"", "0", "65536", "-1", "9-3", "80-", "-80", "ICMP/8", "/80", "TCP/", "TCP+/80", "+/80", "TCP/a b", "TCP/Web", "TCP/a-name-that-is-too-long", "$(ports)", "80/TCP/80", "80/ICMP", "80/", "/TCP", "TCP/TCP/80", "any/80"} {
		if list, err := notation.ParsePorts(text); err == nil {
			t.Errorf("%q is %v", text, list)
		}
	}
}
