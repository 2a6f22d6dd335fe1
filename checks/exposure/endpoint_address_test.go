// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The addresses here are those that the API server refuses in endpoints, or
// that a fixture in a real cluster cannot use.
func TestEndpointAddressesAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	meta := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name}
	}
	api := &discoveryv1.EndpointSlice{ObjectMeta: meta("default", "kubernetes"), Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"198.51.100.20"}}}}
	api.Labels = map[string]string{discoveryv1.LabelServiceName: "kubernetes"}
	apiService := &corev1.Service{ObjectMeta: meta("default", "kubernetes"), Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.1", ClusterIPs: []string{"10.96.0.1", "fd00:96::1"}}}
	node := &corev1.Node{
		ObjectMeta: meta("", "node-a"),
		Spec:       corev1.NodeSpec{PodCIDR: "10.244.1.0/24"}, // the older of the two fields alone
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.1.0.4"}, {Type: corev1.NodeHostName, Address: "node-a"}}},
	}
	inv := inventory.New(api, apiService, node)
	for name, tc := range map[string]struct{ address, want string }{
		"an address outside":                         {"203.0.113.7", ""},
		"a private address that nobody has":          {"10.9.9.9", ""},
		"loopback":                                   {"127.0.0.1", "the machine of whoever connects"},
		"loopback in another place of its network":   {"127.9.9.9", "the machine of whoever connects"},
		"loopback over IPv6":                         {"::1", "the machine of whoever connects"},
		"no address":                                 {"0.0.0.0", "the machine of whoever connects"},
		"the metadata server":                        {"169.254.169.254", "metadata server"},
		"the metadata server written in IPv6":        {"::ffff:169.254.169.254", "metadata server"},
		"the metadata server written in hexadecimal": {"::ffff:a9fe:a9fe", "metadata server"},
		"the metadata server of Alibaba":             {"100.100.100.200", "metadata server"},
		"link-local":                                 {"169.254.1.1", "link-local"},
		"link-local over IPv6":                       {"fe80::1", "link-local"},
		"multicast":                                  {"224.0.0.1", "multicast"},
		"the API server":                             {"198.51.100.20", "API server"},
		"the API server's cluster address":           {"10.96.0.1", "API server"},
		"its second cluster address":                 {"fd00:96::1", "API server"},
		"a node":                                     {"10.1.0.4", "Node node-a"},
		"a node with leading zeros":                  {"010.001.0.4", "Node node-a"},
		"a node written in IPv6":                     {"::ffff:10.1.0.4", "Node node-a"},
		"a pod network":                              {"10.244.1.200", "pod network of Node node-a"},
		"the next network":                           {"10.244.2.1", ""},
		"what is no address":                         {"db", "cannot be read"},
		"an address with a zone":                     {"fe80::1%eth0", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := checks.Input{Inventory: inv, Parameters: checks.DefaultParameters()}
			f, bad := addressFinding(endpointAddress{text: tc.address}, &owners{namespace: "shop", in: in})
			if bad != (tc.want != "") || !strings.Contains(f.Message, tc.want) {
				t.Errorf("%s: %v, %q, want %q", tc.address, bad, f.Message, tc.want)
			}
		})
	}
}

// TestAPodCannotClaimAnAddress: whoever may write the status of a pod of his own
// namespace could give it any address.
func TestAPodCannotClaimAnAddress(t *testing.T) {
	t.Parallel()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "liar"}}
	pod.Status.PodIPs = []corev1.PodIP{{IP: "10.1.0.4"}, {IP: "10.96.0.7"}, {IP: "10.244.1.9"}}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-a"}, Spec: corev1.NodeSpec{PodCIDRs: []string{"10.244.1.0/24"}},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.1.0.4"}}},
	}
	db := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "bank", Name: "db"}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.7"}}
	in := checks.Input{Inventory: inventory.New(pod, node, db), Parameters: checks.DefaultParameters()}
	for address, want := range map[string]string{"10.1.0.4": "Node node-a", "10.96.0.7": "Service bank/db", "10.244.1.9": ""} {
		f, bad := addressFinding(endpointAddress{text: address}, &owners{namespace: "shop", in: in})
		if bad != (want != "") || !strings.Contains(f.Message, want) {
			t.Errorf("%s: %v, %q, want %q", address, bad, f.Message, want)
		}
	}
}

func TestTheAPIServersOwnEndpointsAreNotJudged(t *testing.T) {
	t.Parallel()
	slice := func(namespace string) *discoveryv1.EndpointSlice {
		s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "kubernetes"}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.1.0.4"}}}}
		s.Labels = map[string]string{discoveryv1.LabelServiceName: "kubernetes"}
		return s
	}
	for namespace, want := range map[string]int{"default": 0, "shop": 1} {
		s := slice(namespace)
		in := checks.Input{Object: s, Inventory: inventory.New(slice("default")).With(s), Parameters: checks.DefaultParameters()}
		if got := manualEndpoints().Run(in); len(got) != want {
			t.Errorf("in %s: %+v, want %d findings", namespace, got, want)
		}
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "010.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "", "1.2.3", "0x7f.1", "::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, ok := parseEndpoint(s)
		if ok != addr.IsValid() || addr.Is4In6() {
			t.Errorf("parseEndpoint(%q) = %v, %v", s, addr, ok)
		}
	})
}
