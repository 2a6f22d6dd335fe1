// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scenario is what every row of the table must show: one key of the row, and the verdicts for its variations.
type scenario struct {
	cfg   Config
	class string
	base  map[string]string // says that the controller is meant and decides nothing

	key, value string
	present    Scheme // key: value
	absent     Scheme // base alone, also after the key was removed

	wrongCase     string // the value in another case
	wantWrongCase Scheme
	wantPadded    Scheme // the value with white space around it

	other        map[string]string // contradicts key: value
	wantConflict Scheme
}

func named(names ...string) Config { return Config{Providers: names} }

func with(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

var scenarios = map[string]scenario{
	"aws-load-balancer-controller": {
		base: with(awsType, "external"), key: awsScheme, value: "internet-facing", present: Public, absent: Internal,
		wrongCase: "Internet-Facing", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with(awsInternal, "true"), wantConflict: Public,
	},
	"aws": {
		base: with(awsType, "nlb"), key: awsInternal, value: "false", present: Public, absent: Public,
		wrongCase: "False", wantWrongCase: Internal, wantPadded: Internal,
		other: with(awsScheme, "internal"), wantConflict: Public,
	},
	"outscale": {
		cfg: named("outscale"), key: awsInternal, value: "true", present: Internal, absent: Public,
		wrongCase: "TRUE", wantWrongCase: Internal, wantPadded: Internal,
		other: with("networking.gke.io/load-balancer-type", "External"), wantConflict: Internal,
	},
	"gke": {
		base: with("cloud.google.com/l4-rbs", "enabled"),
		key:  "networking.gke.io/load-balancer-type", value: "Internal", present: Internal, absent: Public,
		wrongCase: "INTERNAL", wantWrongCase: Public, wantPadded: Public,
		other: with("cloud.google.com/load-balancer-type", "External"), wantConflict: Internal,
	},
	"azure": {
		base: with("service.beta.kubernetes.io/azure-dns-label-name", "x"),
		key:  "service.beta.kubernetes.io/azure-load-balancer-internal", value: "true", present: Internal, absent: Public,
		wrongCase: "True", wantWrongCase: Public, wantPadded: Public,
		other: with("service.beta.kubernetes.io/azure-pls-create", "true"), wantConflict: Internal,
	},
	"oci-nlb": {
		base: with("oci.oraclecloud.com/load-balancer-type", "NLB"),
		key:  "oci-network-load-balancer.oraclecloud.com/internal", value: "true", present: Internal, absent: Public,
		wrongCase: "tRuE", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with("service.beta.kubernetes.io/oci-load-balancer-internal", "false"), wantConflict: Internal,
	},
	"oci": {
		base: with("oci.oraclecloud.com/load-balancer-type", "lb"),
		key:  "service.beta.kubernetes.io/oci-load-balancer-internal", value: "true", present: Internal, absent: Public,
		wrongCase: "True", wantWrongCase: Internal, wantPadded: Unknown,
		other: with("oci-network-load-balancer.oraclecloud.com/internal", "false"), wantConflict: Internal,
	},
	"openstack": {
		base: with("loadbalancer.openstack.org/class", "x"), key: openStackScheme, value: "true", present: Internal, absent: Public,
		wrongCase: "True", wantWrongCase: Public, wantPadded: Public,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"ovh": {
		cfg: named("ovh"), key: openStackScheme, value: "true", present: Internal, absent: Public,
		wrongCase: "TRUE", wantWrongCase: Public, wantPadded: Public,
		other: with(awsInternal, "false"), wantConflict: Internal,
	},
	"hetzner": {
		base: with("load-balancer.hetzner.cloud/location", "fsn1"),
		key:  "load-balancer.hetzner.cloud/disable-public-network", value: "true", present: Internal, absent: Public,
		wrongCase: "tRUE", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"scaleway": {
		base: with("service.beta.kubernetes.io/scw-loadbalancer-type", "lb-s"),
		key:  "service.beta.kubernetes.io/scw-loadbalancer-private", value: "true", present: Internal, absent: Public,
		wrongCase: "TRUE", wantWrongCase: Internal, wantPadded: Unknown,
		other: with("service.beta.kubernetes.io/scw-loadbalancer-externally-managed", "true"), wantConflict: Internal,
	},
	"digitalocean": {
		base: with("service.beta.kubernetes.io/do-loadbalancer-name", "x"),
		key:  "service.beta.kubernetes.io/do-loadbalancer-network", value: "INTERNAL", present: Internal, absent: Public,
		wrongCase: "internal", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"ibm": {
		base: with("service.kubernetes.io/ibm-load-balancer-cloud-provider-zone", "z"),
		key:  "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", value: "private", present: Internal, absent: Public,
		wrongCase: "Private", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"baidu": {
		base: with("service.beta.kubernetes.io/cce-load-balancer-id", "x"),
		key:  "service.beta.kubernetes.io/cce-load-balancer-internal-vpc", value: "true", present: Internal, absent: Public,
		wrongCase: "True", wantWrongCase: Public, wantPadded: Public,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"alibaba": {
		base: with("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec", "slb.s1.small"),
		key:  "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", value: "intranet", present: Internal, absent: Public,
		wrongCase: "Intranet", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with("service.beta.kubernetes.io/alicloud-loadbalancer-address-type", "internet"), wantConflict: Internal,
	},
	"tencent": {
		base: with("service.kubernetes.io/qcloud-loadbalancer-clusterid", "c"),
		key:  "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", value: "subnet-1", present: Internal, absent: Public,
		wrongCase: "SUBNET-1", wantWrongCase: Internal, wantPadded: Internal,
		other: with("service.kubernetes.io/tke-existed-lbid", "lb-1"), wantConflict: Unknown,
	},
	"huawei": {
		base: with("kubernetes.io/elb.class", "union"),
		key:  "kubernetes.io/elb.autocreate", value: `{"type":"inner"}`, present: Internal, absent: Unknown,
		wrongCase: `{"Type":"inner"}`, wantWrongCase: Unknown, wantPadded: Internal,
		other: with("kubernetes.io/elb.id", "0b5e"), wantConflict: Unknown,
	},
	"yandex": {
		base: with("yandex.cloud/subnet-id", "e9b"), key: "yandex.cloud/load-balancer-type", value: "internal", present: Internal, absent: Public,
		wrongCase: "Internal", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"tailscale": {
		class: "tailscale", key: "tailscale.com/hostname", value: "web", present: Internal, absent: Internal,
		wrongCase: "Web", wantWrongCase: Internal, wantPadded: Internal, other: with(awsInternal, "false"), wantConflict: Internal,
	},
	"ngrok": {
		class: "ngrok", key: "k8s.ngrok.com/url", value: "tcp://web.internal:80", present: Public, absent: Public,
		wrongCase: "TCP://web.internal:80", wantWrongCase: Public, wantPadded: Public, other: with(awsInternal, "true"), wantConflict: Public,
	},
	"linode":   public("linode", "service.beta.kubernetes.io/linode-loadbalancer-throttle"),
	"vultr":    public("vultr", "service.beta.kubernetes.io/vultr-loadbalancer-vpc"),
	"exoscale": public("exoscale", "service.beta.kubernetes.io/exoscale-loadbalancer-name"),
	"civo":     public("civo", "kubernetes.civo.com/firewall-id"),
	"upcloud":  public("upcloud", "service.beta.kubernetes.io/upcloud-load-balancer-config"),
	"metallb": pinnedBy("metallb.io/loadBalancerIPs", with("metallb.io/allow-shared-ip", "k"),
		with("metallb.universe.tf/loadBalancerIPs", "203.0.113.9"), Internal),
	"cilium": pinnedBy("lbipam.cilium.io/ips", with("lbipam.cilium.io/sharing-key", "k"),
		with("io.cilium/lb-ipam-ips", "203.0.113.9"), Internal),
	"cilium-node-ipam": unseen("cilium-node-ipam", "io.cilium.nodeipam/match-node-labels"),
	"kube-vip": pinnedBy(kubeVIPAddresses, with("kube-vip.io/vipHost", "n"),
		with("kube-vip.io/forwardUPNP", "true"), Public),
	"purelb": pinnedBy("purelb.io/addresses", with("purelb.io/allow-shared-ip", "k"),
		with(awsInternal, "false"), Public),
	"openelb": pinnedBy("eip.openelb.kubesphere.io/v1alpha1", with("lb.kubesphere.io/v1alpha1", "openelb"),
		with(awsInternal, "false"), Public),
	"antrea": {
		cfg: Config{Pools: map[string][]netip.Prefix{
			"inside":  {netip.MustParsePrefix("10.9.0.0/24")},
			"outside": {netip.MustParsePrefix("203.0.113.0/24")},
		}},
		base: with("service.antrea.io/allow-shared-load-balancer-ip", "true"),
		key:  "service.antrea.io/external-ip-pool", value: "inside", present: Internal, absent: Unknown,
		wrongCase: "Inside", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with(awsInternal, "false"), wantConflict: Public,
	},
	"harvester": {
		cfg: named("harvester"), base: with("cloudprovider.harvesterhci.io/ipam", "pool"),
		key: kubeVIPAddresses, value: "10.0.0.7", present: Internal, absent: Unknown,
		wrongCase: "FD00::7", wantWrongCase: Internal, wantPadded: Internal,
		other: with(awsInternal, "false"), wantConflict: Internal,
	},
	"k3s":     unseen("k3s", "svccontroller.k3s.cattle.io/priorityclassname"),
	"avi":     unseen("avi", "ako.vmware.com/load-balancer-ip"),
	"nsx":     unseen("nsx", "networking.vmware.com/x"),
	"nutanix": unseen("nutanix", "example.org/none"),
	"rancher": unseen("rancher", "example.org/none"),
	"aws-alb-ingress": {
		base: with("alb.ingress.kubernetes.io/target-type", "ip"),
		key:  "alb.ingress.kubernetes.io/scheme", value: "internet-facing", present: Public, absent: Internal,
		wrongCase: "Internet-facing", wantWrongCase: Unknown, wantPadded: Unknown,
		other: with("appgw.ingress.kubernetes.io/use-private-ip", "true"), wantConflict: Public,
	},
	"gke-ingress": {
		cfg: named("gke-ingress"), key: "networking.gke.io/managed-certificates", value: "c", present: Public, absent: Public,
		wrongCase: "C", wantWrongCase: Public, wantPadded: Public, other: with(awsInternal, "true"), wantConflict: Public,
	},
	"azure-application-gateway": {
		base: with("appgw.ingress.kubernetes.io/ssl-redirect", "true"),
		key:  "appgw.ingress.kubernetes.io/use-private-ip", value: "true", present: Internal, absent: Public,
		wrongCase: "True", wantWrongCase: Internal, wantPadded: Unknown,
		other: with("alb.ingress.kubernetes.io/scheme", "internet-facing"), wantConflict: Public,
	},
	"tailscale-ingress": {
		class: "tailscale", key: "tailscale.com/funnel", value: "true", present: Public, absent: Internal,
		wrongCase: "TRUE", wantWrongCase: Public, wantPadded: Public, other: with("alb.ingress.kubernetes.io/scheme", "internal"), wantConflict: Public,
	},
	"ngrok-ingress": {
		class: "ngrok", key: "k8s.ngrok.com/domain", value: "web.example.com", present: Public, absent: Public,
		wrongCase: "WEB.example.com", wantWrongCase: Public, wantPadded: Public, other: with("alb.ingress.kubernetes.io/scheme", "internal"), wantConflict: Public,
	},
	"gke-gateway": {
		class: "gke-l7-rilb", key: "example.org/none", value: "x", present: Internal, absent: Internal,
		wrongCase: "X", wantWrongCase: Internal, wantPadded: Internal, other: with(awsInternal, "false"), wantConflict: Internal,
	},
}

// public is a cloud without internal load balancers: no value of any annotation makes it internal.
func public(name, key string) scenario {
	return scenario{
		cfg: named(name), key: key, value: "internal", present: Public, absent: Public,
		wrongCase: "Internal", wantWrongCase: Public, wantPadded: Public, other: with(awsInternal, "true"), wantConflict: Public,
	}
}

// unseen is a controller whose answer lies outside the object.
func unseen(name, key string) scenario {
	return scenario{
		cfg: named(name), key: key, value: "10.0.0.7", present: Unknown, absent: Unknown,
		wrongCase: "FD00::7", wantWrongCase: Unknown, wantPadded: Unknown, other: with(awsInternal, "true"), wantConflict: Unknown,
	}
}

// pinnedBy is a controller that follows the address.
func pinnedBy(key string, base, other map[string]string, wantConflict Scheme) scenario {
	return scenario{
		base: base, key: key, value: "10.0.0.7", present: Internal, absent: Unknown,
		wrongCase: "FD00::7", wantWrongCase: Internal, wantPadded: Internal, other: other, wantConflict: wantConflict,
	}
}

// classifyAs asks about the kind of object that the row reads.
func classifyAs(row Provider, class string, annotations map[string]string, cfg Config) Verdict {
	switch row.Object {
	case IngressObject:
		return ClassifyIngress(class, annotations, cfg)
	case GatewayObject:
		return ClassifyGateway(class, annotations, cfg)
	case ServiceObject, objectKinds:
	}
	return Classify(service(class, annotations), cfg)
}

func service(class string, annotations map[string]string) *corev1.Service {
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: annotations}}
	svc.Spec.Type = corev1.ServiceTypeLoadBalancer
	if class != "" {
		svc.Spec.LoadBalancerClass = &class
	}
	return svc
}

func merge(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

func TestEveryRowReadsItsKeyAsTheControllerDoes(t *testing.T) {
	t.Parallel()
	rows := Providers()
	if len(rows) == 0 {
		t.Fatal("the table has no rows")
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			s, ok := scenarios[row.Name]
			if !ok || s.key == "" || s.value == "" || s.wrongCase == "" || len(s.other) == 0 {
				t.Fatalf("row %s has no complete scenario", row.Name)
			}
			present := merge(s.base, with(s.key, s.value))
			removed := merge(present)
			delete(removed, s.key)
			for name, tc := range map[string]struct {
				annotations map[string]string
				want        Scheme
			}{
				"present":                      {present, s.present},
				"absent":                       {s.base, s.absent},
				"value in another case":        {merge(s.base, with(s.key, s.wrongCase)), s.wantWrongCase},
				"key in another case":          {merge(s.base, with(strings.ToUpper(s.key), s.value)), s.absent},
				"value with white space":       {merge(s.base, with(s.key, " "+s.value+" ")), s.wantPadded},
				"contradicted by another key":  {merge(present, s.other), s.wantConflict},
				"key removed after it was set": {removed, s.absent},
			} {
				got := classifyAs(row, s.class, tc.annotations, s.cfg)
				if got.Scheme != tc.want {
					t.Errorf("%s: got %s (%s), want %s", name, got.Scheme, got.Evidence, tc.want)
				}
				if got.Evidence == "" {
					t.Errorf("%s: no evidence", name)
				}
			}
			if got := classifyAs(row, s.class, present, s.cfg); got.Provider != row.Name {
				t.Errorf("provider is %q, want %q", got.Provider, row.Name)
			}
		})
	}
}

func TestEveryScenarioIsOfARow(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		if _, ok := table.byName[name]; !ok {
			t.Errorf("scenario %s has no row", name)
		}
	}
}

func TestTheTableIsWellFormed(t *testing.T) {
	t.Parallel()
	rows := Providers()
	if len(rows) == 0 || len(rows) > 64 {
		t.Fatalf("the table has %d rows; a set holds 1 to 64", len(rows))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.Name] || row.Name == "" || row.Title == "" {
			t.Errorf("row %q: name or title is missing, or the name is taken", row.Name)
		}
		seen[row.Name] = true
		if len(row.Sources) == 0 {
			t.Errorf("row %s: no source", row.Name)
		}
		for _, source := range row.Sources {
			if !strings.HasPrefix(source, "https://") {
				t.Errorf("row %s: source %q is not a URL", row.Name, source)
			}
		}
		for _, key := range row.Keys {
			if key.Annotation == "" || key.Rule == Refuse || key.Rule.String() == Refuse.String() {
				t.Errorf("row %s: key %q has no rule", row.Name, key.Annotation)
			}
			if key.Rule == Equals && len(key.Internal) == 0 {
				t.Errorf("row %s: key %s lists no internal value", row.Name, key.Annotation)
			}
		}
		if _, ok := table.byName[row.Supersedes]; (row.Selector != nil) != ok {
			t.Errorf("row %s: selector and superseded row go together", row.Name)
		}
		if row.ByAddress && row.Default != Unknown {
			t.Errorf("row %s: judged by address and has a default", row.Name)
		}
	}
}

func TestKnownClass(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]bool{
		"service.k8s.aws/nlb": true, "eks.amazonaws.com/nlb": true, "metallb.io/metallb": true, "io.cilium/l2-announcer": true,
		"tailscale": true, "ngrok": true, "Tailscale": false,
		"": false, "service.k8s.aws/NLB": false, "example.org/nlb": false, "gce": false, "gke-l7-rilb": false,
	} {
		if got := KnownClass(class); got != want {
			t.Errorf("KnownClass(%q) = %v, want %v", class, got, want)
		}
	}
}

func TestKnownIngressClass(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]bool{
		"alb": true, "gce-internal": true, "tailscale": true, "ngrok": true,
		"": false, "nginx": false, "ALB": false, "service.k8s.aws/nlb": false,
	} {
		if got := KnownIngressClass(class); got != want {
			t.Errorf("KnownIngressClass(%q) = %v, want %v", class, got, want)
		}
	}
}
