// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// read reads a specification of a policy of shop.
func read(t *testing.T, namespace, spec string, g Gateway) ([]verify.Policy, error) {
	t.Helper()
	p := &Policy{}
	if err := yaml.UnmarshalStrict([]byte("metadata: {name: p, namespace: "+namespace+"}\nspec: "+spec), p); err != nil {
		t.Fatal(err)
	}
	return Read([]*Policy{p}, &cluster(t).Environment, g)
}

// text writes rules as one line each.
func text(list []verify.Rule) string {
	var b strings.Builder
	for _, r := range list {
		for _, p := range r.Peers {
			switch {
			case p.Domain != "":
				b.WriteString(p.Domain + " ")
			case p.Block.Prefix.IsValid():
				fmt.Fprintf(&b, "%s-%v ", p.Block.Prefix, p.Block.Except)
			default:
				fmt.Fprintf(&b, "{%s}/{%s} ", p.Pods.Namespaces, p.Pods.Pods)
			}
		}
		if r.Anyone {
			b.WriteString("anyone ")
		}
		fmt.Fprintf(&b, "%v", r.Ports)
		if r.EveryPort {
			b.WriteString("every port")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRead(t *testing.T) {
	t.Parallel()
	const ports = `toPorts: [{ports: [{port: "80", protocol: TCP}]}]`
	const asks = `{toEndpoints: [{}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]}`
	const asked = "{kubernetes.io/metadata.name=shop}/{} [TCP/53 UDP/53 SCTP/53]\n"
	for name, tc := range map[string]struct {
		namespace, rules string
		gateway          Gateway
		want             string
	}{
		"B2.1 an empty rule is nobody":                    {"shop", `[{}]`, PodGateway, ""},
		"B2.4 no peers and ports is anyone":               {"shop", `[{` + ports + `}]`, PodGateway, "anyone [TCP/80]\n"},
		"B2.4 peers and no ports is every port":           {"shop", `[{toEndpoints: [{}]}]`, PodGateway, "{kubernetes.io/metadata.name=shop}/{} []every port\n"},
		"B2.4 an empty list of peers is nobody":           {"shop", `[{toEndpoints: [], ` + ports + `}]`, PodGateway, ""},
		"B2.4 clusterwide an empty selector is every pod": {"", `[{toEndpoints: [{}], ` + ports + `}]`, PodGateway, "{}/{} [TCP/80]\n"},
		"B2.5 labels of any source, and a namespace":      {"shop", `[{toEndpoints: [{matchLabels: {app: db, "k8s:io.kubernetes.pod.namespace": pay}}], ` + ports + `}]`, PodGateway, "{kubernetes.io/metadata.name in (pay)}/{app in (db)} [TCP/80]\n"},
		"B2.5 labels of namespaces":                       {"shop", `[{toEndpoints: [{matchLabels: {"k8s:io.cilium.k8s.namespace.labels.team": x}}], ` + ports + `}]`, PodGateway, "{team in (x)}/{} [TCP/80]\n"},
		"B2.8 a name without answers is nobody":           {"shop", `[{toFQDNs: [{matchName: a.example.com}], ` + ports + `}]`, PodGateway, ""},
		"B2.8 a name with answers":                        {"shop", `[` + asks + `, {toFQDNs: [{matchName: a.example.com}, {matchPattern: "**.example.com"}], ` + ports + `}]`, PodGateway, asked + "a.example.com *.example.com [TCP/80]\n"},
		"B2.9 a block holds no node":                      {"shop", `[{toCIDRSet: [{cidr: 10.0.0.0/30, except: [10.0.0.3/32]}], ` + ports + `}]`, PodGateway, "10.0.0.0/30-[10.0.0.1/32 10.0.0.2/32 10.0.0.3/32] [TCP/80]\n"},
		"B2.9 a node is in no block":                      {"shop", `[{toCIDR: [10.0.0.1], ` + ports + `}]`, PodGateway, ""},
		"B2.10 entities are what the environment says":    {"shop", `[{toEntities: [kube-apiserver, host, remote-node], ` + ports + `}]`, PodGateway, "10.0.0.1/32-[] 10.0.0.1/32-[] 10.0.0.2/32-[] [TCP/80]\n"},
		"B2.10 the world is every address but the nodes":  {"shop", `[{toEntities: [world]}]`, PodGateway, "0.0.0.0/0-[10.0.0.1/32 10.0.0.2/32] ::/0-[] []every port\n"},
		"B2.10 all is anyone":                             {"shop", `[{toEntities: [all], ` + ports + `}]`, PodGateway, "anyone [TCP/80]\n"},
		"B2.11 the gateway, and blocks without it":        {"shop", `[{toEntities: [ingress], ` + ports + `}, {toCIDR: [10.8.0.0/24], ` + ports + `}]`, OwnGateway, "10.8.0.7/32-[] [TCP/80]\n10.8.0.0/24-[10.8.0.7/32] [TCP/80]\n"},
		"B2.13 ranges, names, all, and any protocol":      {"shop", `[{toEndpoints: [{}], toPorts: [{ports: [{port: "80", endPort: 90, protocol: TCP}, {port: http, protocol: UDP}, {port: "0", protocol: SCTP}, {port: nobody}]}]}]`, PodGateway, "{kubernetes.io/metadata.name=shop}/{} [TCP/80-90 UDP/http SCTP]\n"},
		"B2.13 ports that are none are nobody's":          {"shop", `[{toEndpoints: [{}], toPorts: [{ports: [{port: http}]}]}]`, PodGateway, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, tc.namespace, "{endpointSelector: {}, egress: "+tc.rules+"}", tc.gateway)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, text(got[0].Egress)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReadDenials: B2.16. They isolate as rules that allow do, and count before them.
func TestReadDenials(t *testing.T) {
	t.Parallel()
	got, err := read(t, "shop", `{endpointSelector: {}, egress: [{toEntities: [all]}], egressDeny: [{toEndpoints: [{matchLabels: {app: db}}], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}, {toCIDR: [203.0.113.0/24]}], ingressDeny: [{fromEntities: [world]}]}`, PodGateway)
	if err != nil {
		t.Fatal(err)
	}
	want := "{kubernetes.io/metadata.name=shop}/{app in (db)} [TCP/80]\n203.0.113.0/24-[] []every port\nanyone []every port\n"
	if diff := cmp.Diff(want, text(got[0].Egress)); diff != "" {
		t.Error(diff)
	}
	for _, r := range slices.Concat(got[0].Egress[:2], got[0].Ingress) {
		if r.Action != verify.Deny {
			t.Errorf("%s: %v", r.Name, r.Action)
		}
	}
	if len(got[0].Ingress) != 1 || got[0].Egress[2].Action != verify.Accept || got[0].Isolates != (generator.Guard{Ingress: true, Egress: true}) {
		t.Errorf("%+v", got[0])
	}
	for _, other := range []string{`egressDeny: [{toServices: [{k8sService: {serviceName: carts}}]}]`, `ingressDeny: [{icmps: [{fields: [{type: 8}]}]}]`} {
		if _, err := read(t, "shop", "{endpointSelector: {}, "+other+"}", PodGateway); err == nil || !strings.Contains(err.Error(), "are denied") && !strings.Contains(err.Error(), "Deny") {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// TestDenialsCountBeforeNames: who may reach nothing outside reaches no name either,
// although another rule allows it. What a smaller block holds is not known.
func TestDenialsCountBeforeNames(t *testing.T) {
	t.Parallel()
	m := *cluster(t)
	web := generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}
	m.Edges = []generator.Edge{{From: generator.WorkloadPeerOf(web), To: generator.FQDNPeerOf("api.example.com"), Port: generator.NumberedPort(generator.TCP, 443)}}
	const names = `{endpointSelector: {}, egress: [{toFQDNs: [{matchName: api.example.com}]}, {toEndpoints: [{}], toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]}], egressDeny: [`
	for denied, want := range map[string]bool{
		"":                           true,
		"{toEntities: [world]}":      false,
		"{toCIDR: [0.0.0.0/0]}":      false,
		`{toCIDR: ["::/0"]}`:         false,
		"{toEntities: [all]}":        false,
		"{toCIDR: [203.0.113.0/24]}": true,
		"{toEntities: [cluster]}":    true,
		"{toEndpoints: [{matchLabels: {app: db}}]}":                                true,
		`{toEntities: [world], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}`: true,
		`{toCIDRSet: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}]}`:                   false,
	} {
		list, err := read(t, "shop", names+denied+"]}", PodGateway)
		if err != nil {
			t.Fatal(err)
		}
		set, err := verify.Compile(list, &m, verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := set.Allowed(verify.Samples(&m, m.Edges[0].From)[0], verify.DomainOf("api.example.com"), m.Edges[0].Port)
		if err != nil || v.Allowed != want {
			t.Errorf("denied %q: %+v %v", denied, v, err)
		}
	}
}

func TestReadIsolation(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]generator.Guard{
		`{endpointSelector: {}, ingress: [{}]}`:                                         {Ingress: true},
		`{endpointSelector: {}, egress: [{}]}`:                                          {Egress: true},
		`{endpointSelector: {}, egress: [{}], enableDefaultDeny: {egress: false}}`:      {},
		`{endpointSelector: {}, ingress: [{}], enableDefaultDeny: {egress: true}}`:      {Ingress: true},
		`{endpointSelector: {}, ingress: [{}], egress: [{}]}`:                           {Ingress: true, Egress: true},
		`{endpointSelector: {}, ingress: [], egress: [{}]}`:                             {Egress: true},
		`{endpointSelector: {}, ingress: [{}], enableDefaultDeny: {ingress: true}}`:     {Ingress: true},
		`{endpointSelector: {matchLabels: {app: web}}, ingress: [{fromEndpoints: []}]}`: {Ingress: true},
	} {
		got, err := read(t, "shop", spec, PodGateway)
		if err != nil || got[0].Isolates != want {
			t.Errorf("%s: %+v %v", spec, got, err)
		}
	}
}

// TestReadRefuses: what Cilium would refuse, and what is not read.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		`{endpointSelector: {}}`:              "at least one of Ingress", // B2.2
		`{endpointSelector: {}, ingress: []}`: "at least one of Ingress",
		`{ingress: [{}]}`:                     "must have one of EndpointSelector",
		`{endpointSelector: {}, egress: [{toEndpoints: [{}], toCIDR: [10.0.0.0/8]}]}`:                              "combining", // B2.3
		`{endpointSelector: {}, egress: [{toFQDNs: [{matchName: a}], toEntities: [world]}]}`:                       "combining",
		`{endpointSelector: {}, egress: [{toPorts: [{ports: [{port: "99999", protocol: TCP}]}]}]}`:                 "unable to parse port",
		`{endpointSelector: {}, egress: [{toServices: [{k8sService: {serviceName: a, namespace: b}}]}]}`:           "only endpoints", // B2.12
		`{endpointSelector: {}, egress: [{toEntities: [host]}]}`:                                                   "without others",
		`{endpointSelector: {}, egress: [{toEntities: [ingress]}]}`:                                                "without others",
		`{endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: "*.example.com"}]}]}`:                           "is not read",
		`{endpointSelector: {}, egress: [{icmps: [{fields: [{type: 8, family: IPv4}]}]}]}`:                         "only endpoints",
		`{endpointSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": pay}}, ingress: [{}]}`:               "is not about others", // B2.5
		`{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {"reserved:host": ""}}]}]}`:               "are not read",
		`{endpointSelector: {}, ingress: [{fromEndpoints: [{}], authentication: {mode: required}}]}`:               "only endpoints",
		`{endpointSelector: {}, ingress: [{fromCIDRSet: [{cidrGroupRef: g}]}]}`:                                    "groups of blocks",
		`{endpointSelector: {}, egress: [{toPorts: [{ports: [{port: "443", protocol: TCP}], serverNames: [a]}]}]}`: "TLS",
	} {
		got, err := read(t, "shop", spec, PodGateway)
		if err == nil || got != nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "CiliumNetworkPolicy shop/p") {
			t.Errorf("%s: %+v %v, not %q", spec, got, err, want)
		}
	}
	if _, err := Read([]*Policy{nil, {}}, &cluster(t).Environment, PodGateway); err == nil {
		t.Error("nil, and nothing, are taken")
	}
}
