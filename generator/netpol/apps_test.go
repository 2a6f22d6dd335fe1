// SPDX-License-Identifier: Apache-2.0

package netpol_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const apps = "../../test/fixtures/apps"

// documents returns the objects of a file as JSON, in the namespace of its folder.
func documents(t *testing.T, app, file string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(apps, app, file))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var o map[string]any
		if err := yaml.Unmarshal(part, &o); err != nil {
			t.Fatal(err)
		}
		meta, ok := o["metadata"].(map[string]any)
		if !ok {
			t.Fatalf("%s: an object without metadata", file)
		}
		meta["namespace"] = app
		data, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if data, err = yaml.YAMLToJSON(data); err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

// appModel reads who needs to talk to whom out of the policies that people wrote
// for an application: what its pods accept from each other and from the gateway,
// and name servers for all.
func appModel(t *testing.T, app string) (*generator.Model, []*networkingv1.NetworkPolicy) {
	t.Helper()
	var objects []inventory.Object
	for _, data := range documents(t, app, "workloads.yaml") {
		o, _, err := inventory.DecodeAny(data)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	inv := inventory.New(objects...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	byApp := map[string]generator.Peer{}
	env := generator.NewEnvironment()
	env.DNS = generator.Group{
		Pods:  []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}},
		Ports: []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)},
	}
	in := generator.Input{Inventory: inv, Universe: u, Guards: map[string]generator.Guard{app: {Ingress: true, Egress: true}}}
	why := []generator.Evidence{{Source: generator.Manifest, Where: app + "/policies.yaml"}}
	for _, w := range u.Workloads() {
		byApp[w.Labels["app"]] = generator.WorkloadPeerOf(w.ID)
		in.Edges = append(in.Edges, generator.Edge{From: byApp[w.Labels["app"]], To: generator.Peer{Kind: generator.DNSPeer}, Because: why})
	}
	var written []*networkingv1.NetworkPolicy
	for _, data := range documents(t, app, "policies.yaml") {
		p := &networkingv1.NetworkPolicy{}
		if err := yaml.UnmarshalStrict(data, p); err != nil {
			t.Fatal(err)
		}
		written = append(written, p)
		for _, r := range p.Spec.Ingress {
			for _, from := range r.From {
				peer := generator.Peer{Kind: generator.GatewayPeer}
				if from.NamespaceSelector == nil {
					peer = byApp[from.PodSelector.MatchLabels["app"]]
				} else {
					set := generator.PodSet{Namespace: from.NamespaceSelector.MatchLabels[corev1.LabelMetadataName]}
					if from.PodSelector != nil {
						set.Labels = from.PodSelector.MatchLabels
					}
					env.Gateway.Pods = []generator.PodSet{set}
				}
				for _, port := range r.Ports {
					number := generator.NumberedPort(generator.TCP, uint16(port.Port.IntVal))
					in.Edges = append(in.Edges, generator.Edge{From: peer, To: byApp[p.Spec.PodSelector.MatchLabels["app"]], Port: number, Because: why})
				}
			}
		}
	}
	in.Environment = env
	m, problems := generator.Build(in)
	if len(problems) > 0 || len(m.Edges) < 2*len(u.Workloads()) {
		t.Fatalf("%d edges, %v", len(m.Edges), problems)
	}
	return m, written
}

// TestExampleApplications: the same edges as one policy for each, and as people
// wrote them, take more policies.
func TestExampleApplications(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"boutique", "socks"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			m, written := appModel(t, app)
			plan, problems := compact.Compact(m, compact.Options{})
			list, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
			if len(problems)+len(refused) > 0 {
				t.Fatal(problems, refused)
			}
			read, err := netpol.Read(list)
			if err != nil {
				t.Fatal(err)
			}
			report, err := verify.Compare(read, m, verify.Options{})
			if err != nil || !report.Exact() {
				t.Fatalf("%v %+v", err, report)
			}
			perEdge := len(plan.Denies)
			for _, e := range m.Edges {
				for _, end := range []generator.Peer{e.From, e.To} {
					if end.Namespace == app {
						perEdge++
					}
				}
			}
			// By hand, one policy denies both directions.
			if len(plan.Allows)+1 > len(written) || len(list)*3 > perEdge*2 {
				t.Errorf("%d policies, %d by hand, %d for one each", len(list), len(written), perEdge)
			}
			t.Logf("%d workloads, %d edges: %d policies, %d bytes; by hand %d; one for each edge and guarded end %d", len(m.Universe.Workloads()), len(m.Edges), len(list), size(t, list), len(written), perEdge)
		})
	}
}

func size(t *testing.T, list []*networkingv1.NetworkPolicy) int {
	t.Helper()
	n := 0
	for _, p := range list {
		data, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		n += len(data)
	}
	return n
}
