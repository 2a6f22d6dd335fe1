// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, text := range list {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func addresses(list ...string) []netip.Addr {
	out := make([]netip.Addr, len(list))
	for i, text := range list {
		out[i] = netip.MustParseAddr(text)
	}
	return out
}

func TestClassify(t *testing.T) {
	t.Parallel()
	pools := map[string][]netip.Prefix{
		"inside":  prefixes("10.0.0.0/24", "fd00::/64"),
		"outside": prefixes("10.0.0.0/24", "203.0.113.0/28"),
		"empty":   nil,
	}
	corp := Key{Annotation: "corp.example/lb", Internal: []string{"inside"}, Public: []string{"outside"}, Provider: "aws"}
	for name, tc := range map[string]struct {
		class, address string
		annotations    map[string]string
		cfg            Config
		want           Scheme
		provider       string
		evidence       string // part of it
	}{
		"nothing is known":                                  {want: Unknown, evidence: "no annotation or load balancer class"},
		"the cluster's default is internal":                 {cfg: Config{DefaultScheme: Internal}, want: Internal, evidence: "default scheme of the cluster is internal"},
		"the cluster's default does not undo an annotation": {annotations: with(awsInternal, "false"), cfg: Config{DefaultScheme: Internal}, want: Public, provider: "aws", evidence: `is "false", which the AWS cloud provider reads as public`},
		"the only controller's default counts":              {cfg: named("gke"), want: Public, provider: "gke", evidence: "makes load balancers public by default"},
		"two controllers leave it open":                     {cfg: named("gke", "metallb"), want: Unknown},

		"the AWS cloud provider takes a legacy range as internal": {annotations: with(awsInternal, "0.0.0.0/0"), want: Internal, provider: "aws"},
		"the AWS controller does not":                             {class: "service.k8s.aws/nlb", annotations: with(awsInternal, "0.0.0.0/0"), want: Unknown, provider: "aws-load-balancer-controller", evidence: "does not accept"},
		"the AWS controller is internal by default":               {class: "service.k8s.aws/nlb", want: Internal, provider: "aws-load-balancer-controller"},
		"the AWS controller's default is a setting":               {class: "service.k8s.aws/nlb", cfg: Config{DefaultScheme: Public}, want: Public, provider: "aws-load-balancer-controller"},
		"the AWS cloud provider's default is not":                 {annotations: with(awsType, "nlb"), cfg: Config{DefaultScheme: Internal}, want: Public, provider: "aws"},
		"the AWS controller is selected by type":                  {annotations: with(awsType, "nlb-ip"), want: Internal, provider: "aws-load-balancer-controller"},
		"type nlb is the AWS cloud provider's":                    {annotations: with(awsType, "nlb"), want: Public, provider: "aws"},
		"an empty value is no value":                              {annotations: with(awsInternal, ""), want: Public, provider: "aws", evidence: "decides nothing"},
		"the AWS controller alone needs no selection":             {annotations: with(awsScheme, "internal"), cfg: named("aws-load-balancer-controller"), want: Internal, provider: "aws-load-balancer-controller"},
		"scheme without selection is not read":                    {annotations: with(awsScheme, "internal"), want: Public, provider: "aws"},

		"the class of GKE decides alone":         {class: "networking.gke.io/l4-regional-external", annotations: with("networking.gke.io/load-balancer-type", "Internal"), want: Public, provider: "gke"},
		"the internal class of GKE":              {class: "networking.gke.io/l4-regional-internal", want: Internal, provider: "gke"},
		"the new GKE key wins even when empty":   {annotations: with("networking.gke.io/load-balancer-type", "", "cloud.google.com/load-balancer-type", "Internal"), want: Public, provider: "gke"},
		"the old GKE key alone":                  {annotations: with("cloud.google.com/load-balancer-type", "internal"), want: Internal, provider: "gke"},
		"a class keeps other clouds' keys out":   {class: "service.k8s.aws/nlb", annotations: with("networking.gke.io/load-balancer-type", "External"), want: Internal, provider: "aws-load-balancer-controller"},
		"a class that nobody serves":             {class: "example.org/lb", annotations: with(awsInternal, "true"), want: Unknown, evidence: `loadBalancerClass "example.org/lb" belongs to no`},
		"a class that the operator describes":    {class: "example.org/lb", cfg: Config{Classes: map[string]Scheme{"example.org/lb": Internal}}, want: Internal},
		"a class of a controller that is absent": {class: "service.k8s.aws/nlb", cfg: named("gke"), want: Unknown},

		"another cloud's key counts when nothing is known":       {annotations: with("networking.gke.io/load-balancer-type", "Internal"), want: Internal, provider: "gke"},
		"another cloud's key does not when the cluster is known": {annotations: with("networking.gke.io/load-balancer-type", "Internal"), cfg: named("aws"), want: Public, provider: "aws"},
		"two clouds agree":    {annotations: with(awsInternal, "true", "service.beta.kubernetes.io/azure-load-balancer-internal", "true"), want: Internal, provider: "aws"},
		"two clouds disagree": {annotations: with(awsInternal, "true", "service.beta.kubernetes.io/azure-load-balancer-internal", "TRUE"), want: Public, provider: "azure"},

		"a private address where the address decides":         {address: "10.1.2.3", cfg: named("metallb"), want: Internal, provider: "metallb"},
		"a private address where it does not":                 {address: "10.1.2.3", cfg: named("aws"), want: Public, provider: "aws"},
		"a private address of an unknown controller":          {address: "10.1.2.3", want: Unknown},
		"a public address":                                    {annotations: with("metallb.io/loadBalancerIPs", "10.0.0.1, 203.0.113.7"), want: Public, evidence: "203.0.113.7"},
		"a public address in a trusted pool":                  {annotations: with("metallb.io/loadBalancerIPs", "203.0.113.7"), cfg: Config{TrustedPools: prefixes("203.0.113.0/24")}, want: Internal},
		"a trusted pool written as mapped IPv6":               {annotations: with("metallb.io/loadBalancerIPs", "203.0.113.7"), cfg: Config{TrustedPools: prefixes("::ffff:203.0.113.0/120")}, want: Internal},
		"the address behind a trusted pool":                   {annotations: with("metallb.io/loadBalancerIPs", "203.0.114.0"), cfg: Config{TrustedPools: prefixes("203.0.113.0/24")}, want: Public},
		"a trusted pool that is not valid trusts nobody":      {annotations: with("metallb.io/loadBalancerIPs", "203.0.113.7"), cfg: Config{TrustedPools: []netip.Prefix{{}}}, want: Public},
		"carrier-grade NAT is private":                        {annotations: with("metallb.io/loadBalancerIPs", "100.64.0.1"), want: Internal},
		"the address before carrier-grade NAT is not":         {annotations: with("metallb.io/loadBalancerIPs", "100.63.255.255"), want: Public},
		"link-local is private":                               {annotations: with("metallb.io/loadBalancerIPs", "fe80::1,169.254.1.1"), want: Internal},
		"a mapped private address is private":                 {annotations: with("metallb.io/loadBalancerIPs", "::ffff:10.0.0.1"), want: Internal},
		"a mapped public address is public":                   {annotations: with("metallb.io/loadBalancerIPs", "::ffff:203.0.113.1"), want: Public},
		"an address with a zone is not read":                  {annotations: with("metallb.io/loadBalancerIPs", "fe80::1%eth0"), want: Unknown},
		"an address with leading zeros is not read":           {annotations: with("metallb.io/loadBalancerIPs", "010.0.0.1"), want: Unknown},
		"one entry that is not read":                          {annotations: with("lbipam.cilium.io/ips", "10.0.0.1,vip.example"), want: Unknown},
		"an address and nothing after the comma":              {annotations: with("lbipam.cilium.io/ips", "10.0.0.1,"), want: Unknown},
		"an address left to DHCP":                             {annotations: with(kubeVIPAddresses, "0.0.0.0"), want: Unknown, evidence: "leaves the address to the network"},
		"a private address opened by UPnP":                    {annotations: with(kubeVIPAddresses, "10.0.0.1", "kube-vip.io/forwardUPNP", "true"), want: Public, evidence: "to the internet"},
		"a private address not opened by UPnP":                {annotations: with(kubeVIPAddresses, "10.0.0.1", "kube-vip.io/forwardUPNP", "false"), want: Internal},
		"MetalLB refuses annotation and field together":       {address: "10.0.0.2", annotations: with("metallb.io/loadBalancerIPs", "10.0.0.1"), want: Unknown, evidence: "refuses"},
		"Cilium takes annotation and field together":          {address: "203.0.113.1", annotations: with("lbipam.cilium.io/ips", "10.0.0.1"), want: Public},
		"a private pool":                                      {annotations: with("metallb.io/address-pool", "inside"), cfg: Config{Pools: pools}, want: Internal},
		"a pool with a public range":                          {annotations: with("metallb.io/address-pool", "outside"), cfg: Config{Pools: pools}, want: Public},
		"the new pool key wins":                               {annotations: with("metallb.io/address-pool", "inside", "metallb.universe.tf/address-pool", "outside"), cfg: Config{Pools: pools}, want: Internal},
		"an empty pool":                                       {annotations: with("metallb.io/address-pool", "empty"), cfg: Config{Pools: pools}, want: Public},
		"a pool that is not known":                            {annotations: with("metallb.io/address-pool", "none"), cfg: Config{Pools: pools, DefaultScheme: Internal}, want: Unknown, evidence: "not known"},
		"pools that are not resolved leave it to the default": {annotations: with("metallb.io/address-pool", "none"), cfg: Config{DefaultScheme: Internal}, want: Internal},
		"any of several pools":                                {annotations: with("metallb.io/allow-shared-ip", "k"), cfg: Config{Pools: pools}, want: Unknown},
		"any of private pools":                                {class: "metallb.io/metallb", cfg: Config{Pools: map[string][]netip.Prefix{"a": prefixes("10.0.0.0/8")}}, want: Internal, evidence: "every address pool"},
		"a pool wider than its private block":                 {class: "metallb.io/metallb", cfg: Config{Pools: map[string][]netip.Prefix{"a": prefixes("10.0.0.0/7")}}, want: Unknown},

		"the operator's key":                           {annotations: with("corp.example/lb", "inside"), cfg: Config{Extra: []Key{corp}}, want: Internal, provider: "aws"},
		"the operator's key with an unlisted value":    {annotations: with("corp.example/lb", "Inside"), cfg: Config{Extra: []Key{corp}}, want: Unknown},
		"the operator's key replaces a default":        {annotations: with("corp.example/lb", "inside", awsType, "nlb"), cfg: Config{Extra: []Key{corp}}, want: Internal},
		"the operator's key does not undo another key": {annotations: with("corp.example/lb", "inside", awsInternal, "false"), cfg: Config{Extra: []Key{corp}}, want: Public},
		"the operator's key without case": {
			annotations: with("corp.example/lb", "INSIDE"), want: Internal, provider: "corp",
			cfg: Config{Extra: []Key{{Annotation: "corp.example/lb", Internal: []string{"inside"}, Case: CaseFold, Provider: "corp"}}},
		},
		"Huawei refuses two types":     {annotations: with("kubernetes.io/elb.autocreate", `{"type":"inner","type":"public"}`), want: Unknown},
		"Huawei refuses trailing data": {annotations: with("kubernetes.io/elb.autocreate", `{"type":"inner"}{"type":"public"}`), want: Unknown},
		"Huawei public":                {annotations: with("kubernetes.io/elb.autocreate", `{"bandwidth_size":5,"type":"public"}`), want: Public},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := service(tc.class, tc.annotations)
			svc.Spec.LoadBalancerIP = tc.address
			before := svc.DeepCopy()
			got := Classify(svc, tc.cfg)
			if got.Scheme != tc.want {
				t.Errorf("scheme is %s (%s), want %s", got.Scheme, got.Evidence, tc.want)
			}
			if tc.provider != "" && got.Provider != tc.provider {
				t.Errorf("provider is %q, want %q", got.Provider, tc.provider)
			}
			if !strings.Contains(got.Evidence, tc.evidence) || got.Evidence == "" {
				t.Errorf("evidence is %q, want %q in it", got.Evidence, tc.evidence)
			}
			if diff := cmp.Diff(before, svc); diff != "" {
				t.Errorf("the Service was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestConflictsAndPins(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		class, address string
		annotations    map[string]string
		cfg            Config
		pinned         []netip.Addr
		conflicts      []string
		disputed       []Reading
	}{
		"a plain Service has none": {annotations: with(awsInternal, "true")},
		"the old GKE key is overruled": {
			annotations: with("networking.gke.io/load-balancer-type", "Internal", "cloud.google.com/load-balancer-type", "External"),
			conflicts:   []string{`annotation cloud.google.com/load-balancer-type is "External", but networking.gke.io/load-balancer-type takes precedence`},
		},
		"GKE keys that agree": {annotations: with("networking.gke.io/load-balancer-type", "Internal", "cloud.google.com/load-balancer-type", "internal")},
		"the class of GKE overrules the key": {
			class: "networking.gke.io/l4-regional-internal", annotations: with("networking.gke.io/load-balancer-type", "External"),
			conflicts: []string{`annotation networking.gke.io/load-balancer-type is "External", which the GKE load balancer controller reads as public, but loadBalancerClass decides`},
		},
		"AWS scheme is not read without selection": {
			annotations: with(awsScheme, "internal"),
			conflicts:   []string{`annotation ` + awsScheme + ` is "internal": only the AWS Load Balancer Controller reads it, and neither loadBalancerClass nor aws-load-balancer-type selects that controller`},
		},
		"an elastic address on an internal load balancer": {
			class: "service.k8s.aws/nlb", annotations: with(awsScheme, "internal", awsEIP, "eipalloc-1"),
			conflicts: []string{`annotation ` + awsEIP + ` is "eipalloc-1": ` + whyEIP},
		},
		"an elastic address on a public one is fine": {class: "service.k8s.aws/nlb", annotations: with(awsScheme, "internet-facing", awsEIP, "eipalloc-1")},
		"Azure Private Link": {
			annotations: with("service.beta.kubernetes.io/azure-load-balancer-internal", "true", "service.beta.kubernetes.io/azure-pls-create", "true"),
			conflicts:   []string{`annotation service.beta.kubernetes.io/azure-pls-create is "true": a Private Link service offers the internal load balancer to other networks`},
		},
		"use-private-ip of Hetzner is no protection": {
			annotations: with("load-balancer.hetzner.cloud/use-private-ip", "true"),
			conflicts:   []string{`annotation load-balancer.hetzner.cloud/use-private-ip is "true": it changes how the nodes are reached, not who can reach the load balancer`},
		},
		"two addresses of Azure": {
			annotations: with("service.beta.kubernetes.io/azure-load-balancer-ipv4", "10.0.0.1", "service.beta.kubernetes.io/azure-load-balancer-ipv6", "fd00::1"),
			pinned:      addresses("10.0.0.1", "fd00::1"),
		},
		"addresses are read once and mapped ones as IPv4": {
			address: "10.0.0.1", annotations: with("lbipam.cilium.io/ips", " ::ffff:10.0.0.1 , 10.0.0.2"), pinned: addresses("10.0.0.1", "10.0.0.2"),
		},
		"the field is read without any controller": {address: "203.0.113.1", pinned: addresses("203.0.113.1")},
		"what is not an address is said": {
			annotations: with("lbipam.cilium.io/ips", "10.0.0.1,10.0.0.0/24"), pinned: addresses("10.0.0.1"),
			conflicts: []string{`annotation lbipam.cilium.io/ips holds "10.0.0.0/24", which is not an address that can be read`},
		},
		"a field that is not an address is said": {
			address: "0x0a.0.0.1", conflicts: []string{`spec.loadBalancerIP holds "0x0a.0.0.1", which is not an address that can be read`},
		},
		"two clouds disagree": {
			annotations: with(awsInternal, "true", "yandex.cloud/load-balancer-type", "external"),
			disputed: []Reading{
				{"yandex", "Yandex cloud controller manager", Public, "yandex.cloud/load-balancer-type"},
				{"aws", "AWS cloud provider", Internal, awsInternal},
			},
		},
		"two clouds agree": {annotations: with(awsInternal, "true", "yandex.cloud/load-balancer-type", "internal")},
		"the operator's key and a cloud disagree": {
			annotations: with(awsInternal, "true", "corp.example/lb", "outside"),
			cfg:         Config{Extra: []Key{{Annotation: "corp.example/lb", Public: []string{"outside"}, Provider: "corp"}}},
			disputed: []Reading{
				{"corp", "operator's configuration", Public, "corp.example/lb"},
				{"aws", "AWS cloud provider", Internal, awsInternal},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := service(tc.class, tc.annotations)
			svc.Spec.LoadBalancerIP = tc.address
			got := Classify(svc, tc.cfg)
			if diff := cmp.Diff(tc.conflicts, got.Conflicts); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.disputed, got.Disputed); diff != "" {
				t.Errorf("disputed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.pinned, got.PinnedAddresses, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("pinned addresses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostileValuesAreBounded(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("1.1.1.1,x\xff", 100_000)
	svc := service("", map[string]string{awsInternal: huge, "lbipam.cilium.io/ips": huge, "kubernetes.io/elb.autocreate": strings.Repeat("[", 100_000)})
	svc.Spec.LoadBalancerIP = huge
	got := Classify(svc, Config{})
	if len(got.Conflicts) > maxConflicts || len(got.PinnedAddresses) > maxPins {
		t.Errorf("%d conflicts and %d addresses", len(got.Conflicts), len(got.PinnedAddresses))
	}
	if size := len(strings.Join(append(got.Conflicts, got.Evidence), "")); size > 32<<10 {
		t.Errorf("the texts are %d bytes long", size)
	}
	if got.Scheme == Internal {
		t.Errorf("hostile values are internal: %s", got.Evidence)
	}
	if got := Classify(nil, Config{}); got.Scheme != Unknown || got.Evidence == "" {
		t.Errorf("no Service gives %+v", got)
	}
	unordered := Config{Providers: []string{"no such controller"}, Classes: map[string]Scheme{"": Internal}, Extra: []Key{{}}}
	if got := Classify(&corev1.Service{}, unordered); got.Scheme != Unknown {
		t.Errorf("a faulty configuration gives %s", got.Scheme)
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	good := Config{Providers: []string{"aws"}, Extra: []Key{{Annotation: "a", Internal: []string{"b"}}}, TrustedPools: prefixes("10.0.0.0/8")}
	if err := good.Validate(); err != nil {
		t.Errorf("a good configuration is refused: %v", err)
	}
	bad := Config{
		Providers: []string{"AWS"}, Extra: []Key{{}}, TrustedPools: []netip.Prefix{{}},
		Pools: map[string][]netip.Prefix{"p": {{}}},
	}
	err := bad.Validate()
	if err == nil {
		t.Fatal("a bad configuration is accepted")
	}
	for _, part := range []string{`named "AWS"`, "annotation is empty", "neither internal nor public", "trustedPools[0]", "pools[p][0]"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not hold %q", err, part)
		}
	}
}

func TestClassifyDoesNotAllocateWithoutAnnotations(t *testing.T) {
	svc := service("", nil)
	cfg := Config{DefaultScheme: Internal}
	if got := testing.AllocsPerRun(100, func() { Classify(svc, cfg) }); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}

func BenchmarkClassify(b *testing.B) {
	for name, svc := range map[string]*corev1.Service{
		"none":  service("", nil),
		"other": service("", with("kubectl.kubernetes.io/last-applied-configuration", strings.Repeat("x", 4096), "prometheus.io/scrape", "true", "meta.helm.sh/release-name", "web")),
		"aws":   service("", with(awsInternal, "true", "meta.helm.sh/release-name", "web")),
		"all": service("", with(awsInternal, "true", "networking.gke.io/load-balancer-type", "Internal",
			"service.beta.kubernetes.io/azure-load-balancer-internal", "true", openStackScheme, "true", "metallb.io/loadBalancerIPs", "10.0.0.1")),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Classify(svc, Config{})
			}
		})
	}
}
