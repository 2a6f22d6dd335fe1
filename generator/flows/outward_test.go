// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestManyAddressesOutside: only who asks for it gets one edge to everything
// outside in place of many to single addresses.
func TestManyAddressesOutside(t *testing.T) {
	t.Parallel()
	to := func(address, port, time string) string {
		return strings.ReplaceAll(at(address, tcp(web, outside, "40000", port, opening, "")), "10:00:00Z", time)
	}
	from := strings.Replace(strings.Replace(tcp(outside, web, "40000", "8080", opening, ""), `"source":"10.0.0.5"`, `"source":"198.51.100.7"`, 1), `"destination":"10.0.0.6"`, `"destination":"10.0.0.5"`, 1)
	lines := []string{
		to("198.51.100.1", "443", "10:00:01Z"), to("198.51.100.2", "443", "10:00:03Z"), to("203.0.113.3", "443", "10:00:02Z"), to("203.0.113.3", "443", "10:00:04Z"),
		to("198.51.100.1", "80", "10:00:01Z"), to("198.51.100.2", "80", "10:00:01Z"),
		to("10.99.0.1", "443", "10:00:01Z"), to("10.99.0.2", "443", "10:00:01Z"), to("10.99.0.3", "443", "10:00:01Z"),
		from, strings.Replace(from, "198.51.100.7", "198.51.100.8", 1), strings.Replace(from, "198.51.100.7", "198.51.100.9", 1),
	}
	const web = "Deployment shop/web"
	private := []string{web + " -> 10.99.0.1/32 TCP/443 x1", web + " -> 10.99.0.2/32 TCP/443 x1", web + " -> 10.99.0.3/32 TCP/443 x1"}
	eighty := []string{web + " -> 198.51.100.1/32 TCP/80 x1", web + " -> 198.51.100.2/32 TCP/80 x1"}
	single := []string{web + " -> 198.51.100.1/32 TCP/443 x1", web + " -> 198.51.100.2/32 TCP/443 x1", web + " -> 203.0.113.3/32 TCP/443 x2"}
	in := []string{"198.51.100.7/32 -> " + web + " TCP/8080 x1", "198.51.100.8/32 -> " + web + " TCP/8080 x1", "198.51.100.9/32 -> " + web + " TCP/8080 x1"}
	for most, want := range map[int][][]string{
		0: {private, eighty, single, in},
		3: {private, eighty, single, in},
		2: {private, eighty, {web + " -> external TCP/443 x4 seen with 3 addresses", "external -> " + web + " TCP/8080 x3 seen with 3 addresses"}},
		1: {private, {web + " -> external TCP/443 x4 seen with 3 addresses", web + " -> external TCP/80 x2 seen with 2 addresses", "external -> " + web + " TCP/8080 x3 seen with 3 addresses"}},
	} {
		o := world(t)
		o.External, o.Keep = most, time.Hour
		r, _ := collect(t, o, lines...)
		got, wanted := map[string]bool{}, map[string]bool{}
		for _, e := range r.Edges {
			b := e.Because[0]
			text := fmt.Sprintf("%s x%d", e, b.Flows)
			if b.What != "seen" {
				text += " " + b.What
			}
			got[text] = true
			if strings.HasSuffix(text, "TCP/443 x4 seen with 3 addresses") && (b.First.Second() != 1 || b.Last.Second() != 4 || !b.Expires.Equal(b.Last.Add(time.Hour))) {
				t.Errorf("seen from %s to %s, until %s", b.First, b.Last, b.Expires)
			}
		}
		for _, list := range want {
			for _, text := range list {
				wanted[text] = true
			}
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("more than %d: %s", most, diff)
		}
	}
}
