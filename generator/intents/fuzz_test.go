// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// sound fails for a wish that is not about its own namespace, that Build would take for
// more than it says, or that reaches a metadata service without naming it.
func sound(t *testing.T, found *intents.Found, in generator.Input) {
	t.Helper()
	for i := range found.Wishes {
		w := &found.Wishes[i]
		own := func(p generator.Peer) bool {
			return p.Namespace == w.Namespace && slices.Contains([]generator.PeerKind{generator.WorkloadPeer, generator.ServicePeer, generator.NamespacePeer}, p.Kind)
		}
		if !own(w.Edge.From) && !own(w.Edge.To) || w.Namespace != w.Edge.Because[0].Object.Namespace {
			t.Fatalf("%s: not about namespace %s", w.Edge, w.Namespace)
		}
		for _, p := range in.Environment.Metadata {
			if to := w.Edge.To; to.Kind == generator.CIDRPeer && to.Prefix.Overlaps(p) && to.Prefix != p {
				t.Fatalf("%s: reaches %s", w.Edge, p)
			}
		}
	}
	in.Edges = found.Edges()
	m, _ := generator.Build(in)
	if len(found.Wishes) == 0 && len(m.Edges) > 0 {
		t.Fatal("edges of nothing")
	}
}

// FuzzAnnotation reads hostile annotations of a workload.
func FuzzAnnotation(f *testing.F) {
	for _, seed := range []string{"shop/carts:80", "cluster:any", "0.0.0.0/0:443,169.254.169.254:80", "namespace/pay:http\nservice/shop/carts", "[::]:1", "*/*:1-65535", "a,,b:", "world"} {
		f.Add(seed, seed)
	}
	inv, in := world(f)
	f.Fuzz(func(t *testing.T, from, to string) {
		read := inv
		for _, key := range []inventory.Key{{Kind: inventory.ServiceKind, Namespace: "shop", Name: "carts"}, {Kind: deployments, Namespace: "pay", Name: "api"}} {
			o := inv.Entry(key).Object.DeepCopyObject().(inventory.Object)
			o.SetAnnotations(map[string]string{intents.AllowFrom: from, intents.AllowTo: to})
			read = read.With(o)
		}
		found := intents.Read(read, in.Universe, &in.Environment, intents.Options{})
		sound(t, &found, in)
	})
}

// FuzzObjects reads hostile ClientIntents and NetworkPlans.
func FuzzObjects(f *testing.F) {
	for _, seed := range []string{
		clientIntents("v1alpha3", "{service: {name: web}, calls: [{name: carts}, {name: svc:x.y, type: kafka}]}"),
		clientIntents("v2beta1", "{workload: {name: web}, targets: [{internet: {ips: [0.0.0.0/0]}}, {aws: {arn: x}}]}"),
		"apiVersion: gatehouse.sh/v1alpha1\nkind: NetworkPlan\nmetadata: {name: default, namespace: shop}\nspec: {allow: [{from: {namespace: pay}, to: {group: cluster}, ports: [any], reason: r, expiresAt: x}]}",
		"apiVersion: gatehouse.sh/v1alpha1\nkind: NetworkPlan\nmetadata: {name: default, namespace: shop}\nspec: {allow: [null, {to: {cidr: '::/0'}}]}",
	} {
		f.Add(seed)
	}
	inv, in := world(f)
	f.Fuzz(func(t *testing.T, text string) {
		data, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			return
		}
		o, _, err := inventory.DecodeAny(data)
		if err != nil {
			return
		}
		if kind := inventory.KeyOf(o).Kind; kind != intents.ClientIntentsKind && kind != intents.NetworkPlanKind {
			return
		}
		found := intents.Read(inv.With(o), in.Universe, &in.Environment, intents.Options{})
		sound(t, &found, in)
	})
}
