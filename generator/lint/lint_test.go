// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// model is three workloads of shop and one of bank, with name servers that
// nobody described.
func model(t *testing.T) *generator.Model {
	t.Helper()
	var list []*generator.Workload
	for _, id := range []generator.WorkloadID{{Namespace: "shop", Kind: "Deployment", Name: "web"}, {Namespace: "shop", Kind: "Deployment", Name: "carts"}, {Namespace: "shop", Kind: "StatefulSet", Name: "db"}, {Namespace: "bank", Kind: "Deployment", Name: "teller"}} {
		list = append(list, &generator.Workload{ID: id, Labels: map[string]string{"app": id.Name}})
	}
	u, err := generator.NewUniverse(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.DNS = generator.Group{
		Pods:  []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}},
		Ports: []generator.Port{generator.NumberedPort(generator.TCP, 53), generator.NumberedPort(generator.UDP, 53)},
	}
	return &generator.Model{Universe: u, Environment: env}
}

// policies reads "name: specification" for the namespace shop.
func policies(t *testing.T, specs map[string]string) []verify.Policy {
	t.Helper()
	var list []*networkingv1.NetworkPolicy
	for name, text := range specs {
		p := &networkingv1.NetworkPolicy{}
		p.Namespace, p.Name = "shop", name
		if err := yaml.UnmarshalStrict([]byte(text), &p.Spec); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	out, err := netpol.Read(list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	dnsOnly   = `{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}, {port: 53}]}]}`
	toDB      = `{podSelector: {matchLabels: {app: carts}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]}`
	dbByCarts = `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}], ports: [{port: 5432}]}]}`
)

func TestFindings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		specs map[string]string
		want  []string
	}{
		"policies that fit together": {map[string]string{"dns": dnsOnly, "to-db": toDB, "db": dbByCarts}, nil},
		"a label that nobody has": {
			map[string]string{"typo": `{podSelector: {matchLabels: {app: wbe}}}`},
			[]string{"selects-nothing NetworkPolicy shop/typo  selects no known workload: nothing is guarded by it"},
		},
		"every pod of a namespace may be pods to come": {map[string]string{"deny": `{podSelector: {}}`}, nil},
		"a peer that nobody is": {
			map[string]string{"db": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}, {podSelector: {matchLabels: {app: crats}}}], ports: [{port: 5432}]}]}`},
			[]string{"names-nobody NetworkPolicy shop/db ingress[0] its peer 2 (app=crats) is no known workload"},
		},
		"pods of another namespace without a selector for it": {
			map[string]string{"db": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: teller}}}], ports: [{port: 5432}]}]}`},
			[]string{"names-nobody NetworkPolicy shop/db ingress[0] its peer 1 (app=teller) is no known workload"},
		},
		"name servers that are cut off": {
			map[string]string{"to-db": toDB},
			[]string{"dns-blocked NetworkPolicy shop/to-db  keeps from asking the name servers: Deployment shop/carts"},
		},
		"name servers over TCP alone": {
			map[string]string{"dns": strings.Replace(dnsOnly, "{port: 53, protocol: UDP}, ", "", 1)},
			[]string{"dns-blocked NetworkPolicy shop/dns  keeps from asking the name servers: Deployment shop/carts, Deployment shop/web, StatefulSet shop/db"},
		},
		"the port of the Service on one side, that of the pods on the other": {
			map[string]string{"dns": dnsOnly, "to-db": toDB, "db": strings.ReplaceAll(dbByCarts, "5432", "80")},
			[]string{
				"one-sided NetworkPolicy shop/db ingress[0] allows what NetworkPolicy shop/dns refuses at the other end: Deployment shop/carts -> StatefulSet shop/db TCP/80",
				"one-sided NetworkPolicy shop/to-db egress[0] allows what NetworkPolicy shop/db refuses at the other end: Deployment shop/carts -> StatefulSet shop/db TCP/5432",
			},
		},
		"the same twice": {
			map[string]string{"one": dbByCarts, "two": dbByCarts},
			[]string{
				"redundant NetworkPolicy shop/one  changes nothing: other policies isolate its pods and allow what it allows",
				"redundant NetworkPolicy shop/two  changes nothing: other policies isolate its pods and allow what it allows",
			},
		},
		"a rule inside of a wider one": {
			map[string]string{"db": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}], ports: [{port: 5432}]}, {from: [{podSelector: {}}]}]}`},
			[]string{"shadowed NetworkPolicy shop/db ingress[0] changes nothing: other rules allow what it allows"},
		},
		"two policies that say the same in part": {
			map[string]string{
				"one": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}], ports: [{port: 5432}, {port: 9187}]}]}`,
				"two": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [carts, web]}]}}], ports: [{port: 5432}]}]}`,
			},
			[]string{"overlapping NetworkPolicy shop/one ingress[0] allows what NetworkPolicy shop/two, ingress[0] allows as well: Deployment shop/carts -> StatefulSet shop/db TCP/5432"},
		},
		"two rules of one policy that do": {
			map[string]string{"db": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}], ports: [{port: 5432}, {port: 9187}]}, {from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [carts, web]}]}}], ports: [{port: 5432}]}]}`},
			nil,
		},
		"policies beside each other, of one workload": {
			map[string]string{
				"one": dbByCarts,
				"two": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}], ports: [{port: 9187}]}]}`,
			},
			nil,
		},
		"a named workload, and all pods on some of its ports": {
			map[string]string{
				"one": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: carts}}}], ports: [{port: 5432}, {port: 9187}]}]}`,
				"two": `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 5432}]}]}`,
			},
			nil,
		},
		"a denial beside what it leaves to others": {map[string]string{"deny": `{podSelector: {}}`, "db": dbByCarts}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := 0
			found, err := Policies(policies(t, tc.specs), model(t), Options{Progress: func(n int) { seen = n }})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, strings.Join([]string{f.Kind.String(), f.Policy, f.Rule, f.What}, " "))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if seen != len(tc.specs) {
				t.Errorf("progress of %d policies, want %d", seen, len(tc.specs))
			}
		})
	}
}
