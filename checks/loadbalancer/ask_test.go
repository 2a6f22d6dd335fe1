// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"strings"
	"testing"
)

// TestWhatIsAskedForIsGiven: an object that does what AskInternal says is read as internal, for every controller of
// which the annotation and the value are said.
func TestWhatIsAskedForIsGiven(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, row := range Providers() {
		key, value, found := strings.Cut(strings.TrimPrefix(row.AskInternal(), "set the annotation "), ` to "`)
		if !found {
			continue
		}
		tried++
		annotations := with(key, strings.TrimSuffix(value, `"`))
		if row.Selector != nil {
			annotations[row.Selector.Annotation] = row.Selector.Values[0]
		}
		if got := classifyAs(row, "", annotations, named(row.Name)); got.Scheme != Internal {
			t.Errorf("%s: %q gives %s (%s)", row.Name, row.AskInternal(), got.Scheme, got.Evidence)
		}
	}
	if tried < 15 {
		t.Errorf("only %d controllers were tried", tried)
	}
}

func TestAskInternal(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"aws":                          "set the annotation " + awsInternal + ` to "true"`,
		"aws-load-balancer-controller": "set the annotation " + awsScheme + ` to "internal"`,
		"alibaba":                      `set the annotation service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type to "intranet"`,
		"tencent":                      "name a private subnet in the annotation service.kubernetes.io/qcloud-loadbalancer-internal-subnetid",
		"huawei":                       `set "type": "inner" in the annotation kubernetes.io/elb.autocreate`,
		"metallb":                      "name a pool of private addresses in the annotation metallb.io/address-pool",
		"kube-vip":                     "ask for a private address in the annotation kube-vip.io/loadbalancerIPs",
		"vultr":                        "",
		"k3s":                          "",
	} {
		row, known := Lookup(name)
		if got := row.AskInternal(); !known || got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if row, known := Lookup("no such controller"); known || row.Name != "" {
		t.Errorf("found %+v", row)
	}
	gke, _ := Lookup("gke")
	aws, _ := Lookup("aws")
	if gke.InternalClass() != "networking.gke.io/l4-regional-internal" || aws.InternalClass() != "" {
		t.Errorf("classes %q and %q", gke.InternalClass(), aws.InternalClass())
	}
}
