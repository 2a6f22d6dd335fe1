// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestSourceRanges(t *testing.T) {
	t.Parallel()
	const (
		general = corev1.AnnotationLoadBalancerSourceRangesKey
		acl     = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-acl-"
		groups  = "service.beta.kubernetes.io/aws-load-balancer-security-groups"
		azure   = "service.beta.kubernetes.io/azure-allowed-ip-ranges"
		rules   = "service.beta.kubernetes.io/do-loadbalancer-allow-rules"
	)
	for name, tc := range map[string]struct {
		field       []string
		annotations map[string]string
		want        []string
		from        string
	}{
		"nothing":                              {},
		"the field, trimmed":                   {field: []string{" 10.0.0.0/8 "}, want: []string{"10.0.0.0/8"}, from: sourceRangesField},
		"the field before the annotation":      {field: []string{"10.0.0.0/8"}, annotations: with(general, "0.0.0.0/0"), want: []string{"10.0.0.0/8"}, from: sourceRangesField},
		"the annotation, trimmed":              {annotations: with(general, " 10.0.0.0/8 ,0.0.0.0/0"), want: []string{"10.0.0.0/8", "0.0.0.0/0"}, from: general},
		"an annotation of white space is none": {annotations: with(general, " \t")},
		"an empty entry is kept":               {annotations: with(general, "10.0.0.0/8,"), want: []string{"10.0.0.0/8", ""}, from: general},
		"the annotation in another case":       {annotations: with(strings.ToUpper(general), "10.0.0.0/8")},
		"ranges of Azure":                      {annotations: with(azure, "10.0.0.0/8,fd00::/8"), want: []string{"10.0.0.0/8", "fd00::/8"}, from: azure},
		"rules of DigitalOcean":                {annotations: with(rules, "ip:192.0.2.1, cidr:10.0.0.0/8,ip:x"), want: []string{"192.0.2.1/32", "10.0.0.0/8", "ip:x"}, from: rules},
		"security groups cannot be judged":     {annotations: with(groups, "sg-1"), from: groups},
		"an access list of Alibaba":            {annotations: with(acl+"id", "a", acl+"status", "on", acl+"type", "white"), from: acl + "id"},
		"an access list that is off":           {annotations: with(acl+"id", "a", acl+"status", "off", acl+"type", "white")},
		"a list of who may not connect":        {annotations: with(acl+"id", "a", acl+"status", "on", acl+"type", "black")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := service("", tc.annotations)
			svc.Spec.LoadBalancerSourceRanges = tc.field
			got, from := SourceRanges(svc)
			if diff := cmp.Diff(tc.want, got); diff != "" || from != tc.from {
				t.Errorf("from %q, want %q (-want +got):\n%s", from, tc.from, diff)
			}
		})
	}
	if got, from := SourceRanges(nil); got != nil || from != "" {
		t.Errorf("no Service gives %v from %q", got, from)
	}
	if len(rangeKeys) == 0 {
		t.Fatal("no keys")
	}
	for _, key := range rangeKeys {
		if !strings.HasPrefix(key.source, "https://") {
			t.Errorf("key %s has no source", key.annotation)
		}
	}
}

func TestParseRangesAndBroad(t *testing.T) {
	t.Parallel()
	for text, tc := range map[string]struct {
		want  string // "" for none
		fault bool
		broad bool
	}{
		"10.0.0.0/8":            {want: "10.0.0.0/8"},
		"10.1.2.3/8":            {want: "10.0.0.0/8"},
		" 192.0.2.0/24 ":        {want: "192.0.2.0/24"},
		"192.0.2.1/32":          {want: "192.0.2.1/32"},
		"0.0.0.0/0":             {want: "0.0.0.0/0", broad: true},
		"8.8.8.8/0":             {want: "0.0.0.0/0", broad: true},
		"10.0.0.0/7":            {want: "10.0.0.0/7", broad: true},
		"::/0":                  {want: "::/0", broad: true},
		"2000::/3":              {want: "2000::/3", broad: true},
		"2001:db8::/31":         {want: "2001:db8::/31", broad: true},
		"2001:db8::/32":         {want: "2001:db8::/32"},
		"::ffff:0.0.0.0/0":      {want: "::/0", broad: true},
		"::ffff:0.0.0.0/96":     {want: "0.0.0.0/0", broad: true},
		"::ffff:10.0.0.0/104":   {want: "10.0.0.0/8"},
		"::ffff:10.0.0.0/103":   {want: "10.0.0.0/7", broad: true},
		"::fffe:0:0/95":         {want: "::fffe:0:0/95", broad: true},
		"::/64":                 {want: "::/64", broad: true},
		"000.000.0.0/00":        {want: "0.0.0.0/0", broad: true, fault: true},
		"010.0.0.0/8":           {want: "10.0.0.0/8", fault: true},
		"10.0.0.0/08":           {want: "10.0.0.0/8", fault: true},
		"":                      {fault: true},
		"/":                     {fault: true},
		"10.0.0.0":              {fault: true},
		"10.0.0.0/":             {fault: true},
		"10.0.0.0/33":           {fault: true},
		"10.0.0.0/-1":           {fault: true},
		"10.0.0.0/+8":           {fault: true},
		"10.0.0.0/8/8":          {fault: true},
		"10.0.0/8":              {fault: true},
		"0x0a.0.0.0/8":          {fault: true},
		"fe80::1%eth0/64":       {fault: true},
		"::/129":                {fault: true},
		"10.0.0.0/8 ,0.0.0.0/0": {fault: true},
		"10.0.0.0 /8":           {fault: true},
		"any":                   {fault: true},
	} {
		got, errs := ParseRanges([]string{text})
		if (len(errs) != 0) != tc.fault {
			t.Errorf("%q: errors %v, want a fault: %v", text, errs, tc.fault)
		}
		switch {
		case tc.want == "" && len(got) != 0:
			t.Errorf("%q: got %v, want none", text, got)
		case tc.want != "" && (len(got) != 1 || got[0].String() != tc.want):
			t.Errorf("%q: got %v, want %s", text, got, tc.want)
		case tc.want != "" && Broad(got[0]) != tc.broad:
			t.Errorf("%q: broad is %v, want %v", text, Broad(got[0]), tc.broad)
		}
	}
	if !Broad(netip.Prefix{}) {
		t.Error("a range that is not valid must be broad")
	}
	if !Broad(netip.MustParsePrefix("::ffff:0.0.0.0/96")) {
		t.Error("all of IPv4 written as IPv6 must be broad")
	}
}

func TestParseRangesIsBounded(t *testing.T) {
	t.Parallel()
	got, errs := ParseRanges(strings.Split(strings.Repeat("10.0.0.0/8,", maxRanges+5), ","))
	if len(got) != maxRanges || len(errs) != 1 {
		t.Errorf("%d ranges and %d errors, want %d and 1", len(got), len(errs), maxRanges)
	}
	if got, errs := ParseRanges(nil); len(got) != 0 || len(errs) != 0 {
		t.Errorf("nothing gives %v and %v", got, errs)
	}
}
