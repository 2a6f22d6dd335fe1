// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestAPlanThatCannotBeMade: the status says so and why, and of half a plan nothing
// is left.
func TestAPlanThatCannotBeMade(t *testing.T) {
	t.Parallel()
	plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: v1alpha1.NetworkPlanName}}
	// Nobody said which addresses pods have, and Calico's blocks match pods.
	foreign := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "by-hand"}, Spec: networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8"}}}}},
	}}
	p := lookAt(t, "calico", Sources{Inventory: inventory.New(web(corev1.DNSDefault), foreign), Plans: []*v1alpha1.NetworkPlan{plan}}).Propose("shop", &plan.Spec)
	if p.Fault == nil || len(p.Policies) > 0 || p.Digest != "" || len(p.Refusals) == 0 {
		t.Fatalf("fault %v, %d policies", p.Fault, len(p.Policies))
	}
	var s v1alpha1.NetworkPlanStatus
	Fill(&s, 1, v1alpha1.NetworkPreview, p, Decide(&Facts{Mode: v1alpha1.NetworkPreview, Refusals: p.Refusals}))
	if s.Phase != v1alpha1.NetworkRefused || !strings.Contains(s.Message, "the plan cannot be made: ") || len(s.Problems) == 0 || !strings.Contains(s.Problems[0], "namespace shop: the plan cannot be made") {
		t.Errorf("status %+v", s)
	}
	for _, c := range s.Conditions {
		if c.Type == v1alpha1.ConditionProven && (c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonNotMade) {
			t.Errorf("condition %+v", c)
		}
	}
}

// TestOneNamespaceIsTooLarge: where somebody wrote so many policies that they cannot
// be compared in time, nothing is applied, the status names the policy, and the other
// namespaces have their plans.
func TestOneNamespaceIsTooLarge(t *testing.T) {
	t.Parallel()
	big := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "big"}}
	big.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	for i := range 8000 {
		port := intstr.FromInt(1 + 2*i)
		big.Spec.Ingress = append(big.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{{Port: &port}}})
	}
	other := web(corev1.DNSDefault)
	other.Namespace = "bank"
	c := lookAt(t, "generic", Sources{Inventory: inventory.New(web(corev1.DNSDefault), other, big)})
	p := c.Propose("shop", &v1alpha1.NetworkPlanSpec{})
	if !errors.Is(p.Fault, verify.ErrTooLarge) || len(p.Policies) > 0 || len(p.Refusals) == 0 || !strings.Contains(p.Refusals[0], "NetworkPolicy shop/big is too large to be proved") {
		t.Errorf("fault %v, %d policies, refused %q", p.Fault, len(p.Policies), p.Refusals)
	}
	if d := Decide(&Facts{Mode: v1alpha1.NetworkApply, Refusals: p.Refusals}); d.Act != Keep || d.Phase != v1alpha1.NetworkRefused {
		t.Errorf("%+v", d)
	}
	if p := c.Propose("bank", &v1alpha1.NetworkPlanSpec{}); p.Fault != nil || len(p.Refusals) > 0 || len(p.Policies) == 0 {
		t.Errorf("bank: %v, %q, %d policies", p.Fault, p.Refusals, len(p.Policies))
	}
}

// TestABoundIsThatOfTheNamespace: a small namespace holds the others for a tenth of what
// the largest may, and ten times what its plan takes in a cluster of a usual shape (10.7 million
// steps of test/bench for 50 of 10,000 workloads, 600 million for all of them).
func TestABoundIsThatOfTheNamespace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ own, all, least, most int }{
		{1, 20, maxSteps / 10, maxSteps / 9},
		{50, 10_000, 107_000_000, maxSteps / 6},
		{1000, 10_000, 107_000_000, maxSteps / 5},
		{10_000, 10_000, maxSteps, maxSteps},
	} {
		if got := steps(tc.own, tc.all); got < tc.least || got > tc.most {
			t.Errorf("%d of %d workloads: %d steps, want %d to %d", tc.own, tc.all, got, tc.least, tc.most)
		}
	}
}

// TestConflicts: what was asked for and not seen within a day, and what was seen and
// not asked for.
func TestConflicts(t *testing.T) {
	t.Parallel()
	plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: v1alpha1.NetworkPlanName}}
	for _, block := range []string{"192.0.2.0/24", "198.51.100.0/24"} {
		plan.Spec.Allow = append(plan.Spec.Allow, v1alpha1.NetworkIntent{To: &v1alpha1.NetworkPeer{CIDR: block}, Ports: []string{"443"}, Reason: "partners"})
	}
	now := time.Unix(1_000_000, 0)
	seen := func(block string, since time.Duration) generator.Edge {
		return generator.Edge{
			From: generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}), To: generator.CIDRPeerOf(netip.MustParsePrefix(block)),
			Port: generator.NumberedPort(generator.TCP, 443), Because: []generator.Evidence{{Source: generator.Flow, Confidence: generator.Certain, Flows: 1, First: now.Add(-since), Last: now}},
		}
	}
	for name, tc := range map[string]struct {
		seen []generator.Edge
		want []string
	}{
		"nobody looks":               {nil, nil},
		"what was seen a day long":   {[]generator.Edge{seen("192.0.2.7/32", 25*time.Hour)}, []string{"198.51.100.0/24 TCP/443: declared but never seen"}},
		"what was seen for an hour":  {[]generator.Edge{seen("192.0.2.7/32", time.Hour)}, nil},
		"what nobody has asked for":  {[]generator.Edge{seen("203.0.113.7/32", time.Hour)}, []string{"203.0.113.7/32 TCP/443: seen but not declared"}},
		"what was seen is no reason": {[]generator.Edge{seen("203.0.113.7/32", 25*time.Hour)}, []string{"192.0.2.0/24 TCP/443: declared but never seen", "198.51.100.0/24 TCP/443: declared but never seen", "203.0.113.7/32 TCP/443: seen but not declared"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Sources{Inventory: inventory.New(web(corev1.DNSDefault)), Plans: []*v1alpha1.NetworkPlan{plan}, Traffic: Traffic{Seen: tc.seen}}
			p := lookAt(t, "generic", s).Propose("shop", &plan.Spec)
			var status v1alpha1.NetworkPlanStatus
			Fill(&status, 1, v1alpha1.NetworkPreview, p, Decision{})
			if len(status.Conflicts) != len(tc.want) || int(status.Counts.Conflicts) != len(tc.want) {
				t.Fatalf("conflicts %q", status.Conflicts)
			}
			for i, want := range tc.want {
				if !strings.HasSuffix(status.Conflicts[i], " -> "+want) {
					t.Errorf("conflict %q, want %q", status.Conflicts[i], want)
				}
			}
		})
	}
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		s := Sources{Inventory: inventory.New(web(corev1.DNSDefault)), Plans: []*v1alpha1.NetworkPlan{plan}}
		for i := range 3 * maxListed {
			s.Traffic.Seen = append(s.Traffic.Seen, seen(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String()+"/32", time.Hour))
		}
		p := lookAt(t, "generic", s).Propose("shop", &plan.Spec)
		var status v1alpha1.NetworkPlanStatus
		Fill(&status, 1, v1alpha1.NetworkPreview, p, Decision{})
		if len(status.Conflicts) != maxListed || status.Counts.Conflicts != 3*maxListed {
			t.Errorf("%d of %d are listed", len(status.Conflicts), status.Counts.Conflicts)
		}
	})
}

// TestWhatCouldNotBeRead is said; a plan waits only where nothing is known.
func TestWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	for holds, refusals := range map[bool]int{false: 0, true: 1} {
		s := Sources{Inventory: inventory.New(web(corev1.DNSDefault)), Unread: map[string]Unread{"shop": {What: "ConfigMaps of shop may not be read", Holds: holds}}}
		p := lookAt(t, "generic", s).Propose("shop", &v1alpha1.NetworkPlanSpec{})
		if len(p.Refusals) != refusals || len(p.Problems) == 0 || !strings.Contains(p.Problems[0].String(), "ConfigMaps of shop may not be read") {
			t.Errorf("holds %t: refusals %q, problems %v", holds, p.Refusals, p.Problems)
		}
	}
}

// TestNothingVitalIsForgotten: a plan that learns nothing is refused where nobody
// asked for what the objects declare of the name servers.
func TestNothingVitalIsForgotten(t *testing.T) {
	t.Parallel()
	dns := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-dns"}, Spec: corev1.ServiceSpec{
		Selector: map[string]string{"k8s-app": "kube-dns"}, Ports: []corev1.ServicePort{{Port: 53, Protocol: corev1.ProtocolUDP}},
	}}
	for name, tc := range map[string]struct {
		change func(*v1alpha1.NetworkPlanSpec)
		policy corev1.DNSPolicy
		want   string
	}{
		"nobody asks for the name servers": {func(*v1alpha1.NetworkPlanSpec) {}, corev1.DNSClusterFirst, "it would cut Deployment shop/web: Deployment shop/web -> dns TCP/53: spec.learn is none"},
		"a template asks for them":         {func(s *v1alpha1.NetworkPlanSpec) { s.Templates = []v1alpha1.NetworkTemplate{{Name: "dns"}} }, corev1.DNSClusterFirst, ""},
		"an intent asks for them": {func(s *v1alpha1.NetworkPlanSpec) {
			s.Allow = []v1alpha1.NetworkIntent{{To: &v1alpha1.NetworkPeer{Group: "dns"}, Reason: "names"}}
		}, corev1.DNSClusterFirst, ""},
		"the pods ask others":               {func(*v1alpha1.NetworkPlanSpec) {}, corev1.DNSDefault, ""},
		"nothing that leaves is restricted": {func(s *v1alpha1.NetworkPlanSpec) { s.Directions = []v1alpha1.NetworkDirection{v1alpha1.NetworkIngress} }, corev1.DNSClusterFirst, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: v1alpha1.NetworkPlanName}, Spec: v1alpha1.NetworkPlanSpec{Learn: v1alpha1.NetworkNone}}
			tc.change(&plan.Spec)
			p := lookAt(t, "generic", Sources{Inventory: inventory.New(web(tc.policy), dns), Plans: []*v1alpha1.NetworkPlan{plan}}).Propose("shop", &plan.Spec)
			if got := strings.Join(p.Refusals, "\n"); tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("refused %q", p.Refusals)
			}
		})
	}
}

// TestTheGatewayBehindAService: its pods by the selector, and the addresses of the
// rest.
func TestTheGatewayBehindAService(t *testing.T) {
	t.Parallel()
	service := func(selector map[string]string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "gw"}, Spec: corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Port: 443}}}}
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "gw-1", Labels: map[string]string{discoveryv1.LabelServiceName: "gw"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.7"}}, {Addresses: []string{"192.0.2.6"}}, {Addresses: []string{"192.0.2.7"}}},
	}
	pods := func(hostNetwork bool) inventory.Object {
		d := web("")
		d.Namespace, d.Name, d.Spec.Template.Spec.HostNetwork = "edge", "gw", hostNetwork
		return d
	}
	set := []generator.PodSet{{Namespace: "edge", Labels: map[string]string{"app": "web"}}}
	both := []string{"192.0.2.6/32", "192.0.2.7/32"}
	for name, tc := range map[string]struct {
		objects   []inventory.Object
		pods      []generator.PodSet
		addresses []string
	}{
		"no such Service":        {nil, nil, nil},
		"pods":                   {[]inventory.Object{service(map[string]string{"app": "web"}), slice, pods(false)}, set, nil},
		"pods to come":           {[]inventory.Object{service(map[string]string{"app": "web"})}, set, nil},
		"on the nodes' network":  {[]inventory.Object{service(map[string]string{"app": "web"}), slice, pods(true)}, nil, both},
		"outside of the cluster": {[]inventory.Object{service(nil), slice}, nil, both},
		"nothing written down":   {[]inventory.Object{service(nil)}, nil, nil},
		"endpoints of another":   {[]inventory.Object{slice}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, env, err := Survey(inventory.New(tc.objects...), Options{Gateways: []string{"edge/gw"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range env.Gateway.Addresses {
				got = append(got, p.String())
			}
			if !slices.Equal(got, tc.addresses) || len(env.Gateway.Pods) != len(tc.pods) || len(tc.pods) > 0 && !env.Gateway.Pods[0].Holds("edge", tc.pods[0].Labels) {
				t.Errorf("gateway %+v", env.Gateway)
			}
		})
	}
	for _, wrong := range []string{"", "gw", "/gw", "edge/"} {
		if _, _, err := Survey(inventory.New(), Options{Gateways: []string{wrong}}, nil); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
