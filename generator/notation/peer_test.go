// SPDX-License-Identifier: Apache-2.0

package notation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

func workloadPeer(kind, namespace, name string) generator.Peer {
	return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: namespace, Kind: kind, Name: name})
}

func TestParsePeer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]generator.Peer{
		"shop/web":                     workloadPeer("", "shop", "web"),
		"shop/web.v2":                  workloadPeer("", "shop", "web.v2"),
		"deployment/shop/web":          workloadPeer("deployment", "shop", "web"),
		"Rollout/shop/web":             workloadPeer("Rollout", "shop", "web"),
		"service/shop/carts":           generator.ServicePeerOf("shop", "carts"),
		"svc/shop/carts":               generator.ServicePeerOf("shop", "carts"),
		"namespace/shop":               generator.NamespacePeerOf("shop"),
		"shop/*":                       generator.NamespacePeerOf("shop"),
		"deployment/namespace/web":     workloadPeer("deployment", "namespace", "web"),
		"*/*":                          {Kind: generator.ClusterPeer},
		"cluster":                      {Kind: generator.ClusterPeer},
		"dns":                          {Kind: generator.DNSPeer},
		"api-server":                   {Kind: generator.APIServerPeer},
		"nodes":                        {Kind: generator.NodePeer},
		"gateway":                      {Kind: generator.GatewayPeer},
		"monitoring":                   {Kind: generator.MonitoringPeer},
		"world":                        {Kind: generator.ExternalPeer},
		"external":                     {Kind: generator.ExternalPeer},
		"10.0.0.0/8":                   block("10.0.0.0/8"),
		"192.0.2.7":                    block("192.0.2.7/32"),
		"2001:db8::/32":                block("2001:db8::/32"),
		"::1":                          block("::1/128"),
		"::ffff:192.0.2.0/120":         block("192.0.2.0/24"),
		"api.example.com":              generator.FQDNPeerOf("api.example.com"),
		"API.Example.com.":             generator.FQDNPeerOf("api.example.com"),
		"*.example.com":                generator.FQDNPeerOf("*.example.com"),
		"10/8":                         workloadPeer("", "10", "8"), // a name may be a number
		strings.Repeat("n", 63) + "/a": workloadPeer("", strings.Repeat("n", 63), "a"),
	} {
		got, err := notation.ParsePeer(text)
		if err != nil || got != want {
			t.Errorf("%q is %v (%v), not %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "web", "/", "//", "shop/", "/web", "shop//web", "deployment//web", "deployment/shop/", "a/b/c/d", "*", "*/web", "**", "*/*/*", "deployment/shop/*", "service/shop/*", "namespace/*/",
		"namespace/Shop", "Shop/web", "shop/Web", "shop/web ", " shop/web", "shop/w eb", "my.ns/web", "service/my.ns/web", "dep-loyment/shop/web",
		"10.0.0.1/8", "2001:db8::1/32", "10.0.0.0/33", "10.0.0.300", "10.0.0.0/", "fe80::1%eth0", "256.1.1.1/8", "0x7f.1",
		"*.com", "*.", ".", "a..b", "api.*.com", "-a.example.com", "api.example.com/path", "https://api.example.com", "DNS", "apiserver", "everything", "any", "*/shop",
		strings.Repeat("n", 64) + "/a", "shop/" + strings.Repeat("a", 254), "shop/web\x00", "shop/wéb", "…",
	} {
		if got, err := notation.ParsePeer(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// TestHostBitsAreToldWithWhatMayBeMeant: the block and the address are both likely.
func TestHostBitsAreToldWithWhatMayBeMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.1/8":       `"10.0.0.1/8": not a block of addresses, which is written without host bits: is 10.0.0.0/8 meant, or 10.0.0.1 alone?`,
		"2001:db8::1/32":   "is 2001:db8::/32 meant, or 2001:db8::1 alone?",
		"10.0.0":           `"10.0.0": not an address or a block of addresses such as 10.0.0.0/8`,
		"fe80::1%eth0/128": "not an address or a block of addresses such as",
	} {
		if _, err := notation.ParseBlock(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func block(text string) generator.Peer {
	p, err := notation.ParseBlock(text)
	if err != nil {
		panic(err)
	}
	return generator.CIDRPeerOf(p)
}

func TestParseEntry(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"shop/web":                      "shop/web []",
		"shop/web:8080":                 "shop/web [TCP/8080]",
		"deployment/shop/web:8080-8090": "deployment shop/web [TCP/8080-8090]",
		"shop/web:udp/53":               "shop/web [UDP/53]",
		"shop/web:53/udp":               "shop/web [UDP/53]",
		"shop/web:tcp+udp/53":           "shop/web [TCP/53 UDP/53]",
		"shop/web:http":                 "shop/web [TCP/http]",
		"shop/web:any":                  "shop/web [TCP UDP SCTP]",
		"service/shop/carts:80":         "Service shop/carts [TCP/80]",
		"namespace/shop:http":           "namespace shop [TCP/http]",
		"shop/*:9000":                   "namespace shop [TCP/9000]",
		"10.0.0.0/8:443":                "10.0.0.0/8 [TCP/443]",
		"192.0.2.7:443":                 "192.0.2.7/32 [TCP/443]",
		"[2001:db8::/32]:443":           "2001:db8::/32 [TCP/443]",
		"[::1]:443":                     "::1/128 [TCP/443]",
		"2001:db8::1:443":               "2001:db8::1:443/128 []", // an address, whatever was meant
		"2001:db8::/32":                 "2001:db8::/32 []",
		"api.example.com:443":           "api.example.com [TCP/443]",
		"dns":                           "dns []",
		"dns:udp/53":                    "dns [UDP/53]",
		"world:443":                     "external [TCP/443]",
	} {
		e, err := notation.ParseEntry(text)
		if got := fmt.Sprint(strings.TrimSpace(e.Peer.String()), " ", e.Ports); err != nil || got != want {
			t.Errorf("%q is %q (%v), not %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ":", ":80", "shop/web:", "shop/web:0", "shop/web:65536", "shop/web:8080:8081", "shop/web: 80", "shop/web :80", "shop/web:http!", "[shop/web]:80", "[10.0.0.1", "[::1]", "[::1]80", "::1]:80",
		"fd00::/8:443", "shop/web:-1", "shop/web:90-80", "dns:ICMP/8", "shop/web:tcp/", "shop/web:8080,8081", "shop/web=80",
	} {
		if e, err := notation.ParseEntry(text); err == nil {
			t.Errorf("%q is %v", text, e)
		}
	}
	if got, want := notation.Split(" a , b\n\n c:1 ,,\r\nd "), []string{"a", "b", "c:1", "d"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	var list []*generator.Workload
	for _, id := range []generator.WorkloadID{{Namespace: "shop", Kind: "Deployment", Name: "web"}, {Namespace: "shop", Kind: "StatefulSet", Name: "web"}, {Namespace: "shop", Kind: "StatefulSet", Name: "db"}} {
		list = append(list, &generator.Workload{ID: id})
	}
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"shop/db":             "StatefulSet shop/db",
		"statefulset/shop/db": "StatefulSet shop/db",
		"DEPLOYMENT/shop/web": "Deployment shop/web",
		"shop/web":            "shop/web is several workloads: say deployment/shop/web or statefulset/shop/web",
		"shop/nobody":         "no workload nobody in namespace shop; there are db, web",
		"job/shop/web":        "no workload job/web in namespace shop; there are db, web",
		"void/web":            "no workload web in namespace void; there are none",
		"service/void/web":    "Service void/web",
		"namespace/void":      "namespace void",
	} {
		p, err := notation.ParsePeer(text)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = notation.Find(u, p); err != nil {
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		} else if p.String() != want {
			t.Errorf("%s is %s, not %s", text, p, want)
		}
	}
}

// FuzzEntry shows that whatever is read as an end is a valid one that is no wider
// than what stands there, and that its text, where it has one, is read as the same.
func FuzzEntry(f *testing.F) {
	for _, seed := range []string{"shop/web:8080", "service/shop/carts:http", "*/*", "namespace/a:any", "[2001:db8::/32]:443", "10.0.0.0/8:1-2", "*.example.com:443", "dns:udp/53", "::", "0.0.0.0/0", "a/*:tcp+udp", "[]:1", "1.2.3.4:5:6"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, part := range notation.Split(text) {
			e, err := notation.ParseEntry(part)
			if err != nil {
				if e.Peer != (generator.Peer{}) || e.Ports != nil {
					t.Fatalf("%q: a fault and %v", part, e)
				}
				continue
			}
			p := e.Peer
			if p.Kind == generator.WorkloadPeer && p.Workload == "" {
				p.Workload = "Deployment"
			}
			if err := p.Validate(); err != nil {
				t.Fatalf("%q: %v", part, err)
			}
			if wide := p.Kind == generator.ClusterPeer || p.Kind == generator.CIDRPeer && p.Prefix.Bits() == 0; wide && !slices.ContainsFunc([]string{"*/*", "cluster", "/0"}, func(s string) bool { return strings.Contains(part, s) }) {
				t.Fatalf("%q is everything", part)
			}
			if p.Kind == generator.CIDRPeer || p.Kind == generator.FQDNPeer {
				if again, err := notation.ParsePeer(p.String()); err != nil || again != p {
					t.Fatalf("%q: %s is read as %v (%v)", part, p, again, err)
				}
			}
			for _, port := range e.Ports {
				if err := port.Validate(); err != nil {
					t.Fatalf("%q: %v", part, err)
				}
			}
		}
	})
}
