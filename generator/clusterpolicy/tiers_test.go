// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
)

func TestTiersOfTemplatesAreWritten(t *testing.T) {
	t.Parallel()
	m := cluster(t)
	m.Environment.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}}}
	list := []templates.Tier{
		{
			Name: "first", Tier: templates.AdminTier, Priority: 7, Subject: map[string]string{"a": "b"}, Because: []generator.Evidence{{Source: generator.Template, Where: "template x", What: "it is so"}},
			Egress: []templates.TierRule{
				{Name: "dns", Action: templates.Accept, Peers: []generator.Peer{{Kind: generator.DNSPeer}}, Ports: []generator.Port{generator.NumberedPort(generator.UDP, 53)}},
				{Name: "metadata", Action: templates.Deny, Peers: []generator.Peer{cidr("169.254.169.254/32")}},
			},
			Ingress: []templates.TierRule{{Name: "web", Action: templates.Pass, Peers: []generator.Peer{web}}},
		},
		{Name: "last", Tier: templates.BaselineTier, Priority: 1000, Ingress: []templates.TierRule{{Name: "pods", Action: templates.Deny, Peers: []generator.Peer{{Kind: generator.ClusterPeer}}}}},
	}
	got, err := Tiers(m, list, RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `--- first
egress:
- action: Accept
  name: dns
  protocols:
  - udp:
      destinationPort:
        number: 53
  to:
  - pods:
      namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
- action: Deny
  name: metadata
  to:
  - networks:
    - 169.254.169.254/32
ingress:
- action: Pass
  from:
  - pods:
      namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: shop
      podSelector:
        matchLabels:
          app: web
  name: web
priority: 7
subject:
  namespaces:
    matchLabels:
      a: b
tier: Admin
--- last
ingress:
- action: Deny
  from:
  - namespaces: {}
  name: pods
priority: 1000
subject:
  namespaces: {}
tier: Baseline
`
	if diff := cmp.Diff(want, specs(t, got)); diff != "" {
		t.Errorf("the tiers (-want +got):\n%s", diff)
	}
	if because := got[0].Annotations["gatehouse.sh/because"]; !strings.Contains(because, "it is so") {
		t.Errorf("the first is because %q", because)
	}
}

func TestATierIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	m := cluster(t)
	for name, tc := range map[string]struct {
		rule    templates.TierRule
		ingress bool
		says    string
	}{
		"addresses that connect":      {templates.TierRule{Peers: []generator.Peer{cidr("10.0.0.0/8")}}, true, errOutside.Error()},
		"a name of a port of a block": {templates.TierRule{Peers: []generator.Peer{cidr("10.0.0.0/8")}, Ports: []generator.Port{generator.NamedPort(generator.TCP, "http")}}, false, "no address has a named port"},
		"a name of a port of any pod": {templates.TierRule{Peers: []generator.Peer{{Kind: generator.ClusterPeer}}, Ports: []generator.Port{generator.NamedPort(generator.TCP, "http")}}, true, "give the number"},
		"a domain name":               {templates.TierRule{Peers: []generator.Peer{generator.FQDNPeerOf("example.com")}}, false, errDomain.Error()},
		"name servers nobody knows":   {templates.TierRule{Peers: []generator.Peer{{Kind: generator.DNSPeer}}}, false, "is not known"},
		"a workload that is not":      {templates.TierRule{Peers: []generator.Peer{generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "none"})}}, false, "there is no Deployment shop/none"},
		"nobody":                      {templates.TierRule{}, false, "0 peers"},
	} {
		tc.rule.Name, tc.rule.Action = "r", templates.Accept
		bad := templates.Tier{Name: "bad", Tier: templates.AdminTier, Egress: []templates.TierRule{tc.rule}}
		if tc.ingress {
			bad.Egress, bad.Ingress = nil, bad.Egress
		}
		good := templates.Tier{Name: "good", Tier: templates.AdminTier, Egress: []templates.TierRule{{Action: templates.Deny, Peers: []generator.Peer{{Kind: generator.ClusterPeer}}}}}
		got, err := Tiers(m, []templates.Tier{good, bad}, RenderOptions{})
		if err == nil || len(got) > 0 || !strings.Contains(err.Error(), "tier bad: rule r: ") || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %d policies, %v, want %q", name, len(got), err, tc.says)
		}
	}
}
