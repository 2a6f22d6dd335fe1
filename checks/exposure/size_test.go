// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestNoObjectKeepsTheEngineBusy judges objects as large as the webhook takes,
// made to be slow: all of them took from seconds to hours before. The limit is
// generous, for a busy machine; what it tells apart is seconds and minutes.
func TestNoObjectKeepsTheEngineBusy(t *testing.T) {
	set, err := checks.NewSet(All()...)
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Default(set)
	path := networkingv1.PathTypePrefix
	ingress := func(n int, host, value func(i int) string) *networkingv1.Ingress {
		class := "nginx"
		ing := &networkingv1.Ingress{}
		ing.Namespace, ing.Name, ing.Spec.IngressClassName = "shop", "web", &class
		for i := range n {
			rule := networkingv1.IngressRule{Host: host(i)}
			rule.HTTP = &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: value(i), PathType: &path, Backend: networkingv1.IngressBackend{
				Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: int32(i + 1)}},
			}}}}
			ing.Spec.Rules = append(ing.Spec.Rules, rule)
		}
		return ing
	}
	text := func(s string) func(int) string { return func(int) string { return s } }
	ports := func(typ corev1.ServiceType, from int32) *corev1.Service {
		svc := service(corev1.ServiceSpec{Type: typ, Selector: map[string]string{"app": "web"}})
		for i := range int32(2_000) {
			svc.Spec.Ports = append(svc.Spec.Ports, corev1.ServicePort{Name: fmt.Sprintf("redis-%d", i), Port: from + i})
		}
		return svc
	}
	wideRoute := &gatewayv1.HTTPRoute{}
	wideRoute.Namespace, wideRoute.Name = "shop", "web"
	wideRoute.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "edge"}}
	rule := gatewayv1.HTTPRouteRule{}
	for i := range 2_000 {
		value := fmt.Sprintf("/p%d", i)
		wideRoute.Spec.Hostnames = append(wideRoute.Spec.Hostnames, gatewayv1.Hostname(fmt.Sprintf("h%d.example.com", i)))
		rule.Matches = append(rule.Matches, gatewayv1.HTTPRouteMatch{Path: &gatewayv1.HTTPPathMatch{Value: &value}})
	}
	wideRoute.Spec.Rules = []gatewayv1.HTTPRouteRule{rule}
	hosts := func(i int) string { return fmt.Sprintf("h%d.example.com", i) }
	longName := ports(corev1.ServiceTypeNodePort, 1)
	longName.Name, longName.Spec.Ports = strings.Repeat("a-", 200_000), longName.Spec.Ports[:1]

	for name, in := range map[string]checks.Input{
		"many hosts":                       {Object: ingress(2_000, hosts, text("/"))},
		"a host of many labels":            {Object: ingress(1, text(strings.Repeat("a.", 500_000)+"com"), text("/"))},
		"a path of slashes":                {Object: ingress(1, text("a.example.com"), text(strings.Repeat("/", 1<<20)))},
		"a path of dots and slashes":       {Object: ingress(1, text("a.example.com"), text(strings.Repeat("/.", 1<<19)))},
		"a path of braces":                 {Object: ingress(1, text("a.example.com"), text(strings.Repeat("${a", 1<<18)))},
		"a path of opening braces":         {Object: ingress(1, text("a.example.com"), text("/"+strings.Repeat("{1", 1<<19)))},
		"many hosts with many paths":       {Object: wideRoute},
		"a name of dashes":                 {Object: longName},
		"many ports that change":           {Object: ports(corev1.ServiceTypeNodePort, 1), Old: ports(corev1.ServiceTypeNodePort, 30_000)},
		"many ports behind many ways":      {Object: ports(corev1.ServiceTypeClusterIP, 10_000), Inventory: inventory.New(ingress(7_000, hosts, text("/")))},
		"an Ingress to a Service of ports": {Object: ingress(7_000, text("a.example.com"), func(i int) string { return fmt.Sprintf("/p%d", i) }), Inventory: inventory.New(ports(corev1.ServiceTypeClusterIP, 1))},
	} {
		t.Run(name, func(t *testing.T) {
			if in.Inventory == nil {
				in.Inventory = inventory.New()
			}
			in.Inventory = in.Inventory.With(in.Object)
			done := make(chan time.Duration, 1)
			start := time.Now()
			go func() { p.Evaluate(in, policy.Strict); done <- time.Since(start) }()
			select {
			case took := <-done:
				t.Log(took.Round(time.Millisecond))
			case <-time.After(20 * time.Second):
				t.Fatal("took longer than 20 s")
			}
		})
	}
}

// TestHostsOfManyRules compares the two ways to look hosts up: the one for few
// and the one for many must agree.
func TestHostsOfManyRules(t *testing.T) {
	t.Parallel()
	names := []string{"a.example.com", "*.example.com", "*.b.example.com", "B.Example.org", "*", "example.com", "*.com", ".example.com", "a..example.com", "x.a.example.com", "x.b.example.com", "*example.com", ""}
	var many []string
	for i := range few {
		many = append(many, fmt.Sprintf("unrelated-%d.invalid", i))
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		little := tlsOf([]networkingv1.IngressTLS{{Hosts: []string{name}}})
		large := tlsOf([]networkingv1.IngressTLS{{Hosts: many}, {Hosts: []string{name}}})
		if little.names != nil || large.names == nil {
			t.Fatal("not the two ways")
		}
		for _, host := range names {
			if little.cover(host) != large.cover(host) {
				t.Errorf("%q covers %q: %v among few, %v among many", name, host, little.cover(host), large.cover(host))
			}
		}
	}
	var rules []networkingv1.IngressRule
	for _, n := range []int{3, 3 * few} {
		rules = rules[:0]
		for i := range n {
			rules = append(rules, networkingv1.IngressRule{Host: names[i%3]})
		}
		got := ""
		for i, host := range distinctHosts(rules) {
			got += fmt.Sprintf("%d %s ", i, host)
		}
		if got != "0 a.example.com 1 *.example.com 2 *.b.example.com " {
			t.Errorf("%d rules: %q", n, got)
		}
	}
}
