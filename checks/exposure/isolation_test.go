// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestPeersThatMeanEverybody(t *testing.T) {
	t.Parallel()
	block := func(cidr string) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}}
	}
	expression := func(key string, op metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: op, Values: values}}}
	}
	all, some := &metav1.LabelSelector{}, &metav1.LabelSelector{MatchLabels: map[string]string{"team": "edge"}}
	type peer = networkingv1.NetworkPolicyPeer
	for name, tc := range map[string]struct {
		peer peer
		want bool
	}{
		"all of IPv4":                                    {block("0.0.0.0/0"), true},
		"all of IPv4 by another address":                 {block("10.0.0.0/0"), true},
		"all of IPv4 written in IPv6":                    {block("::ffff:0:0/96"), true},
		"all of IPv6":                                    {block("::/0"), true},
		"half of IPv4":                                   {block("128.0.0.0/1"), true},
		"what cannot be read":                            {block("everything"), true},
		"a private network":                              {block("10.0.0.0/8"), false},
		"an office":                                      {block("203.0.113.0/24"), false},
		"every namespace":                                {peer{NamespaceSelector: all}, true},
		"every pod of every namespace":                   {peer{NamespaceSelector: all, PodSelector: all}, true},
		"some pods of every namespace":                   {peer{NamespaceSelector: all, PodSelector: some}, false},
		"every pod of the own namespace":                 {peer{PodSelector: all}, false},
		"some namespaces":                                {peer{NamespaceSelector: some}, false},
		"all namespaces but one":                         {peer{NamespaceSelector: expression(corev1.LabelMetadataName, metav1.LabelSelectorOpNotIn, "shop")}, true},
		"namespaces that lack a label":                   {peer{NamespaceSelector: expression("team", metav1.LabelSelectorOpDoesNotExist)}, true},
		"namespaces that have the label that all have":   {peer{NamespaceSelector: expression(corev1.LabelMetadataName, metav1.LabelSelectorOpExists)}, true},
		"namespaces that have a label":                   {peer{NamespaceSelector: expression("team", metav1.LabelSelectorOpExists)}, false},
		"one namespace by name":                          {peer{NamespaceSelector: expression(corev1.LabelMetadataName, metav1.LabelSelectorOpIn, "shop")}, false},
		"every namespace, and pods that lack some label": {peer{NamespaceSelector: all, PodSelector: expression("team", metav1.LabelSelectorOpDoesNotExist)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if from, got := anyone(&tc.peer); got != tc.want {
				t.Errorf("anyone = %v (%s), want %v", got, from, tc.want)
			}
		})
	}
}

func TestRulesConcernPorts(t *testing.T) {
	t.Parallel()
	number := func(n int32) *intstr.IntOrString { p := intstr.FromInt32(n); return &p }
	name := func(s string) *intstr.IntOrString { p := intstr.FromString(s); return &p }
	udp, end := corev1.ProtocolUDP, int32(8999)
	web := podPort{number: 8080, name: "http", protocol: corev1.ProtocolTCP}
	type port = networkingv1.NetworkPolicyPort
	for sentence, tc := range map[string]struct {
		rule port
		pod  podPort
		want bool
	}{
		"the number":                              {port{Port: number(8080)}, web, true},
		"another number":                          {port{Port: number(8081)}, web, false},
		"the name":                                {port{Port: name("http")}, web, true},
		"another name":                            {port{Port: name("metrics")}, web, false},
		"no port is every port":                   {port{}, web, true},
		"every port of another protocol":          {port{Protocol: &udp}, web, false},
		"a range around it":                       {port{Port: number(8000), EndPort: &end}, web, true},
		"a range above it":                        {port{Port: number(8081), EndPort: &end}, web, false},
		"the number of another protocol":          {port{Port: number(8080), Protocol: &udp}, web, false},
		"a name that is not resolved may be any":  {port{Port: number(9999)}, podPort{name: "http", protocol: corev1.ProtocolTCP}, true},
		"a protocol that is left out means TCP":   {port{Port: number(8080)}, podPort{number: 8080}, true},
		"a port that has no name by another name": {port{Port: name("http")}, podPort{number: 8080}, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			if got := covers(&tc.rule, tc.pod); got != tc.want {
				t.Errorf("covers = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAPolicyThatCannotBeReadIsDoubt(t *testing.T) {
	t.Parallel()
	np := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "odd"}}
	np.Spec.PodSelector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Resembles"}}
	i := ingressOf("shop", map[string]string{"app": "web"}, nil, inventory.New(np))
	if i.guarded() || i.unreadable == "" || certaintyOf(i) == 0 {
		t.Errorf("a selector with an unknown operator gives %+v, want doubt", i)
	}
	if i := ingressOf("shop", map[string]string{"app": "web"}, nil, inventory.New()); i.guarded() || certaintyOf(i) != 0 {
		t.Errorf("no policy gives %+v, want a certain fault", i)
	}
}
