// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestSourceRanges holds what an API server refuses, and address families,
// which depend on the cluster; the others are fixtures.
func TestSourceRanges(t *testing.T) {
	t.Parallel()
	var halves, narrow []string
	for i := range 256 {
		halves = append(halves, fmt.Sprintf("%d.0.0.0/8", i))
		narrow = append(narrow, fmt.Sprintf("203.0.%d.0/24", i))
	}
	dual, prefer := corev1.IPFamilyPolicyRequireDualStack, corev1.IPFamilyPolicyPreferDualStack
	check := sourceRanges()
	for name, tc := range map[string]struct {
		ranges      []string
		annotations map[string]string
		families    []corev1.IPFamily
		policy      *corev1.IPFamilyPolicy
		want        string
	}{
		"a network":                                 {ranges: []string{"203.0.113.0/24"}},
		"a padded network":                          {ranges: []string{" 203.0.113.0/24 "}},
		"the private networks":                      {ranges: []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fd00::/32"}},
		"many small networks":                       {ranges: narrow},
		"one network many times":                    {ranges: []string{"10.0.0.0/8", "10.0.0.0/8", "10.1.0.0/16"}},
		"every /8":                                  {ranges: halves, want: "ranges"},
		"any IPv4 as IPv6":                          {ranges: []string{"::ffff:0.0.0.0/96"}, want: "range/0.0.0.0/0"},
		"an IPv6 range around all of IPv4":          {ranges: []string{"::/64"}, want: "range/::/64"},
		"a short IPv6 range":                        {ranges: []string{"2000::/3"}, want: "range/2000::/3"},
		"nothing that can be read":                  {ranges: []string{"all", ""}, want: "ranges"},
		"one entry that cannot be read":             {ranges: []string{"203.0.113.0/24", "office"}, want: "range/office?"},
		"leading zeros can be octal":                {ranges: []string{"010.0.0.0/8"}, want: "range/010.0.0.0/8?"},
		"an address without length":                 {ranges: []string{"203.0.113.0/24", "203.0.113.9"}, want: "range/203.0.113.9?"},
		"the field wins over the annotation":        {ranges: []string{"203.0.113.0/24"}, annotations: map[string]string{corev1.AnnotationLoadBalancerSourceRangesKey: "0.0.0.0/0"}},
		"Azure adds up field and annotation":        {ranges: []string{"203.0.113.0/24"}, annotations: map[string]string{azureRanges: "0.0.0.0/0"}, want: "range/0.0.0.0/0"},
		"Azure with narrow ranges in both":          {ranges: []string{"203.0.113.0/24"}, annotations: map[string]string{azureRanges: "198.51.100.0/24"}},
		"the service tag of everybody":              {annotations: map[string]string{azureServiceTags: " internet "}, want: "tag/Internet"},
		"the service tag of somebody":               {annotations: map[string]string{azureServiceTags: "AzureFrontDoor.Backend"}, want: "ranges?"},
		"IPv4 ranges with an IPv6 address":          {ranges: []string{"203.0.113.0/24"}, families: []corev1.IPFamily{"IPv4", "IPv6"}, want: "family/IPv6"},
		"ranges of both families":                   {ranges: []string{"203.0.113.0/24", "2001:db8::/48"}, families: []corev1.IPFamily{"IPv4", "IPv6"}},
		"IPv4 ranges and a policy for both":         {ranges: []string{"203.0.113.0/24"}, policy: &dual, want: "family/IPv6"},
		"IPv4 ranges and a policy that prefers":     {ranges: []string{"203.0.113.0/24"}, policy: &prefer},
		"IPv4 ranges on IPv4":                       {ranges: []string{"203.0.113.0/24"}, families: []corev1.IPFamily{"IPv4"}},
		"IPv6 ranges on IPv4":                       {ranges: []string{"2001:db8::/48"}, families: []corev1.IPFamily{"IPv4"}, want: "family/IPv4"},
		"no ranges at all, with an unused tag list": {annotations: map[string]string{azureServiceTags: " "}, want: "ranges"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := service(corev1.ServiceSpec{
				Type: corev1.ServiceTypeLoadBalancer, LoadBalancerSourceRanges: tc.ranges,
				IPFamilies: tc.families, IPFamilyPolicy: tc.policy,
			})
			svc.Annotations = tc.annotations
			if got := subjects(check.Run(input(svc))); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
