// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// cluster is two namespaces: shop with web, carts, a cache that declares no port
// and a Service before it, an agent on the network of its node; pay with api and a database.
const cluster = `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: carts, namespace: shop}, spec: {selector: {matchLabels: {app: carts}}, template: {metadata: {labels: {app: carts}}, spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 80}, {name: gossip, containerPort: 7946, protocol: UDP}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: carts, namespace: shop}, spec: {selector: {app: carts}, ports: [{name: api, port: 8000, targetPort: http}]}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: cache, namespace: shop}, spec: {serviceName: cache, selector: {matchLabels: {app: cache}}, template: {metadata: {labels: {app: cache}}, spec: {containers: [{name: c, image: i}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: cache, namespace: shop}, spec: {selector: {app: cache}, ports: [{port: 6379}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: mute, namespace: shop}, spec: {selector: {matchLabels: {app: mute}}, template: {metadata: {labels: {app: mute}}, spec: {containers: [{name: c, image: i}]}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: shop}, spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {hostNetwork: true, containers: [{name: c, image: i}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: pay}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, image: i, ports: [{name: grpc, containerPort: 9090}]}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: pay}, spec: {serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 5432}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: outside, namespace: pay}, spec: {type: ExternalName, externalName: api.bank.example}}
`

func decode(t testing.TB, text string) []inventory.Object {
	t.Helper()
	var out []inventory.Object
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(part))
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := inventory.DecodeAny(data)
		if err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		out = append(out, o)
	}
	return out
}

var deployments = schema.GroupKind{Group: "apps", Kind: "Deployment"}

// world is the cluster as it is.
func world(t testing.TB) (*inventory.Inventory, generator.Input) {
	t.Helper()
	inv := inventory.New(decode(t, cluster)...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	return inv, generator.Input{Inventory: inv, Universe: u, Environment: environment()}
}

func environment() generator.Environment {
	env := generator.NewEnvironment()
	pods := func(ns string) []generator.PodSet {
		return []generator.PodSet{{Namespace: ns, Labels: map[string]string{"app": ns}}}
	}
	env.DNS = generator.Group{Pods: pods("kube-system"), Ports: []generator.Port{generator.NumberedPort(generator.UDP, 53)}}
	env.APIServer = generator.Group{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, Ports: []generator.Port{generator.NumberedPort(generator.TCP, 6443)}}
	env.Nodes = generator.Group{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}}
	env.Gateway = generator.Group{Pods: pods("edge")}
	env.Monitoring = generator.Group{Pods: pods("monitoring")}
	return env
}

// read reads the cluster, with annotations on some of its objects, as "kind
// namespace/name key" to value, and further objects.
func read(t *testing.T, annotations map[string]string, more string, o intents.Options) (intents.Found, generator.Input) {
	t.Helper()
	objects := decode(t, cluster)
	if more != "" {
		objects = append(objects, decode(t, more)...)
	}
	used := 0
	for _, o := range objects {
		for name, value := range annotations {
			object, key, _ := strings.Cut(name, ": ")
			key, inTemplate := strings.CutPrefix(key, "template ")
			if inventory.KeyOf(o).String() != object {
				continue
			}
			used++
			meta := metav1.Object(o)
			if inTemplate {
				template, ok := inventory.TemplateOf(o)
				if !ok {
					t.Fatalf("%s has no template", object)
				}
				meta = template.Meta
			}
			all := meta.GetAnnotations()
			if all == nil {
				all = map[string]string{}
			}
			all["gatehouse.sh/"+key] = value
			meta.SetAnnotations(all)
		}
	}
	if used != len(annotations) {
		t.Fatalf("%d of %d annotations have an object", used, len(annotations))
	}
	inv := inventory.New(objects...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	in := generator.Input{Inventory: inv, Universe: u, Environment: environment()}
	found := intents.Read(inv, u, &in.Environment, o)
	found.Placed(nil)
	for i := range found.Wishes {
		w := &found.Wishes[i]
		if err := w.Edge.Port.Validate(); err != nil && w.Edge.Port != (generator.Port{}) {
			t.Errorf("%s: %v", w.Edge, err)
		}
		if w.Edge.From.Namespace != w.Namespace && w.Edge.To.Namespace != w.Namespace {
			t.Errorf("%s: neither end is of %s, which asks for it", w.Edge, w.Namespace)
		}
		if b := w.Edge.Because; len(b) != 1 || b[0].Source != generator.Intent || b[0].Where == "" || b[0].Field == "" || b[0].Object.Namespace != w.Namespace {
			t.Errorf("%s: evidence %+v", w.Edge, b)
		}
	}
	return found, in
}

func linesOf(f *intents.Found) (wishes, problems []string) {
	for i := range f.Wishes {
		text := f.Wishes[i].Namespace + ": " + f.Wishes[i].Edge.String()
		if asked := f.Wishes[i].Edge.Requests(); !asked.All() {
			text += " [" + asked.String() + "]"
		}
		wishes = append(wishes, text)
	}
	for _, p := range f.Problems {
		problems = append(problems, p.String())
	}
	return wishes, problems
}

const webTo, cartsFrom = "Deployment shop/web: allow-to", "Deployment shop/carts: allow-from"

func TestAnnotations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		annotations map[string]string
		more        string
		want        []string // wishes
		problems    []string // each in its place
	}{
		"a workload by its name, on the ports that it declares": {
			annotations: map[string]string{webTo: "shop/carts"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/80", "shop: Deployment shop/web -> Deployment shop/carts UDP/7946"},
		},
		"a port": {
			annotations: map[string]string{webTo: "shop/carts:80"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/80"},
		},
		"a range, a protocol, a name": {
			annotations: map[string]string{webTo: "deployment/shop/carts:8000-8010, shop/carts:udp/7946\nshop/carts:http"},
			want: []string{
				"shop: Deployment shop/web -> Deployment shop/carts TCP/http", "shop: Deployment shop/web -> Deployment shop/carts TCP/8000-8010",
				"shop: Deployment shop/web -> Deployment shop/carts UDP/7946",
			},
		},
		"from the other side": {
			annotations: map[string]string{cartsFrom: "shop/web:80"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/80"},
		},
		"the ports of those who accept, not of those who connect": {
			annotations: map[string]string{cartsFrom: "pay/api"},
			want:        []string{"shop: Deployment pay/api -> Deployment shop/carts TCP/80", "shop: Deployment pay/api -> Deployment shop/carts UDP/7946"},
		},
		"ports that only a Service knows": {
			annotations: map[string]string{webTo: "shop/cache"},
			want:        []string{"shop: Deployment shop/web -> StatefulSet shop/cache TCP/6379"},
		},
		"no port that anybody knows": {
			annotations: map[string]string{webTo: "shop/mute, shop/mute:9"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/mute TCP/9"},
			problems:    []string{`Deployment shop/web: Deployment shop/web: annotation gatehouse.sh/allow-to "shop/mute": no port is given, and Deployment shop/mute declares none and is behind no Service`},
		},
		"Services keep their ports": {
			annotations: map[string]string{webTo: "service/shop/carts:api, svc/pay/outside:443, service/shop/cache"},
			want: []string{
				"shop: Deployment shop/web -> Service pay/outside TCP/443", "shop: Deployment shop/web -> Service shop/cache any port", "shop: Deployment shop/web -> Service shop/carts TCP/api",
			},
		},
		"the pods behind a Service": {
			annotations: map[string]string{"Service shop/carts: allow-from": "shop/web, pay/api:8000"},
			want:        []string{"shop: Deployment pay/api -> Service shop/carts TCP/8000", "shop: Deployment shop/web -> Service shop/carts any port"},
		},
		"a Service opens nothing and may have no pods": {
			annotations: map[string]string{"Service shop/carts: allow-to": "shop/web", "Service pay/outside: allow-from": "shop/web"},
			problems:    []string{"Service pay/outside: annotation gatehouse.sh/allow-from: the Service selects no pods", "a Service opens no connections: say it at the workload"},
		},
		"everybody else": {
			annotations: map[string]string{webTo: "dns, api-server, monitoring:9090, namespace/pay:9090, pay/*:1, nodes:9100, cluster:7, world:443, 203.0.113.0/24:443, [2001:db8::/32]:443, *.example.com:443, gateway:8443"},
			want: []string{
				"shop: Deployment shop/web -> namespace pay TCP/1", "shop: Deployment shop/web -> namespace pay TCP/9090",
				"shop: Deployment shop/web -> cluster TCP/7", "shop: Deployment shop/web -> 203.0.113.0/24 TCP/443", "shop: Deployment shop/web -> 2001:db8::/32 TCP/443",
				"shop: Deployment shop/web -> *.example.com TCP/443", "shop: Deployment shop/web -> external TCP/443", "shop: Deployment shop/web -> dns any port",
				"shop: Deployment shop/web -> api-server any port", "shop: Deployment shop/web -> nodes TCP/9100", "shop: Deployment shop/web -> gateway TCP/8443",
				"shop: Deployment shop/web -> monitoring TCP/9090",
			},
		},
		"who has no port of its own needs one": {
			annotations: map[string]string{webTo: "monitoring, namespace/pay, nodes, cluster, world, 203.0.113.7, api.example.com, gateway"},
			problems: []string{
				`"203.0.113.7": no port is given, and 203.0.113.7/32 has none`, `"api.example.com": no port`, `"cluster": no port`, `"gateway": no port`, `"monitoring": no port`, `"namespace/pay": no port`,
				`"nodes": no port`, `"world": no port`,
			},
		},
		"whoever accepts has the port, also from groups": {
			annotations: map[string]string{cartsFrom: "gateway:http, monitoring:80, nodes:80, world:80, 203.0.113.0/24:http, cluster:80, namespace/pay:80, api-server:80"},
			want: []string{
				"shop: namespace pay -> Deployment shop/carts TCP/80", "shop: cluster -> Deployment shop/carts TCP/80", "shop: 203.0.113.0/24 -> Deployment shop/carts TCP/http",
				"shop: external -> Deployment shop/carts TCP/80", "shop: api-server -> Deployment shop/carts TCP/80", "shop: nodes -> Deployment shop/carts TCP/80",
				"shop: gateway -> Deployment shop/carts TCP/http", "shop: monitoring -> Deployment shop/carts TCP/80",
			},
		},
		"one broken entry leaves the others": {
			annotations: map[string]string{webTo: "shop/carts:80, shop/cart, shop/carts:99999, web, shop/carts:grpc, job/shop/carts, 10.0.0.1/8:80, shop/carts:80:81, everything"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/80"},
			problems: []string{
				`"10.0.0.1/8:80": "10.0.0.1/8": not a block`, `"everything": "everything" is neither a workload`, `"job/shop/carts": no workload job/carts in namespace shop`,
				`"shop/cart": no workload cart in namespace shop; there are agent, cache, carts, mute, web`, `"shop/carts:80:81": "shop/carts:80" is neither`, `"shop/carts:99999": port "99999"`,
				`"shop/carts:grpc": no container of Deployment shop/carts has a port named "grpc" of TCP`, `"web": "web" is neither`,
			},
		},
		"names of ports say nothing where there are no containers": {
			annotations: map[string]string{webTo: "world:https, 203.0.113.0/24:http, api.example.com:https, nodes:http, api-server:https"},
			problems:    []string{`"203.0.113.0/24:http"`, `"api-server:https"`, `"api.example.com:https"`, `"nodes:http"`, `"world:https": external is no pod`},
		},
		"a domain name connects to nobody": {
			annotations: map[string]string{cartsFrom: "api.example.com:80"},
			problems:    []string{"a domain name opens no connections"},
		},
		"a name of the cluster is a Service": {
			annotations: map[string]string{webTo: "carts.shop.svc:80, carts.shop.svc.cluster.local:80"},
			problems:    []string{"carts.shop.svc.cluster.local is a name of this cluster", "carts.shop.svc is a name of this cluster"},
		},
		"metadata services are named alone or not at all": {
			annotations: map[string]string{webTo: "169.254.169.254:80, 0.0.0.0/0:443, 169.254.0.0/16:80, ::/0:443, 203.0.113.0/24:443"},
			want:        []string{"shop: Deployment shop/web -> 169.254.169.254/32 TCP/80", "shop: Deployment shop/web -> 203.0.113.0/24 TCP/443"},
			problems:    []string{`"0.0.0.0/0:443": 0.0.0.0/0 holds the metadata service`, `"169.254.0.0/16:80": 169.254.0.0/16 holds`, `"::/0:443": `},
		},
		"no entry": {
			annotations: map[string]string{webTo: " ,\n", cartsFrom: ""},
			problems:    []string{"Deployment shop/carts: annotation gatehouse.sh/allow-from: it has no entry", "Deployment shop/web: annotation gatehouse.sh/allow-to: it has no entry"},
		},
		"too many entries": {
			annotations: map[string]string{webTo: strings.Repeat("shop/carts:80,", intents.MaxEntries) + "world:any"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/80"},
			problems:    []string{"257 entries; only the first 256 count"},
		},
		"the template speaks as the object does, and twice is once": {
			annotations: map[string]string{"Deployment shop/web: template allow-to": "shop/carts:80", webTo: "shop/carts:80, shop/carts:80"},
			want:        []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/80", "shop: Deployment shop/web -> Deployment shop/carts TCP/80"},
		},
		"the owner decides, not what claims to be its pod": {
			annotations: map[string]string{"Pod shop/web-1: allow-from": "cluster:8080"},
			more:        `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: "1", controller: true}]}, spec: {containers: [{name: c, image: i}]}}`,
		},
		"pods of an owner that nobody described": {
			annotations: map[string]string{"Pod shop/run-1: allow-to": "shop/carts:80", "Pod shop/run-2: allow-to": "shop/carts:80"},
			more: `{apiVersion: v1, kind: Pod, metadata: {name: run-1, namespace: shop, labels: {app: run}, ownerReferences: [{apiVersion: flows.example/v1, kind: Flow, name: run, uid: "1", controller: true}]}, spec: {containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: run-2, namespace: shop, labels: {app: run}, ownerReferences: [{apiVersion: flows.example/v1, kind: Flow, name: run, uid: "1", controller: true}]}, spec: {containers: [{name: c, image: i}]}}`,
			want: []string{"shop: Flow shop/run -> Deployment shop/carts TCP/80", "shop: Flow shop/run -> Deployment shop/carts TCP/80"},
		},
		"a CronJob and a pod": {
			annotations: map[string]string{"CronJob shop/report: allow-to": "pay/db", "CronJob shop/report: template allow-to": "shop/web", "Pod shop/lone: allow-from": "shop/web:1"},
			more: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: report, namespace: shop}, spec: {schedule: "@daily", jobTemplate: {spec: {template: {metadata: {labels: {app: report}}, spec: {containers: [{name: c, image: i}]}}}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: lone, namespace: shop, labels: {app: lone}}, spec: {containers: [{name: c, image: i}]}}`,
			want: []string{"shop: CronJob shop/report -> StatefulSet pay/db TCP/5432", "shop: CronJob shop/report -> Deployment shop/web TCP/8080", "shop: Deployment shop/web -> Pod shop/lone TCP/1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := read(t, c.annotations, c.more, intents.Options{})
			compare(t, &found, c.want, c.problems)
		})
	}
}

// compare compares wishes as they are, in any order, and looks for each problem in one of those found.
func compare(t *testing.T, found *intents.Found, want, problems []string) {
	t.Helper()
	got, faults := linesOf(found)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(faults) != len(problems) {
		t.Errorf("%d problems, not %d:\n%s", len(faults), len(problems), strings.Join(faults, "\n"))
		return
	}
	for i, p := range problems {
		if !strings.Contains(faults[i], p) {
			t.Errorf("problem %d is not about %q:\n%s", i, p, faults[i])
		}
	}
}

const planText = `
apiVersion: gatehouse.sh/v1alpha1
kind: NetworkPlan
metadata: {name: default, namespace: shop}
spec:
  allow: %s
`

func TestPlans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		allow    string
		want     []string
		problems []string
	}{
		"workloads": {
			allow: `[{from: {workload: {name: web}}, to: {workload: {kind: StatefulSet, namespace: pay, name: db}}, ports: ["5432", "UDP/1-2"], reason: reports}]`,
			want:  []string{"shop: Deployment shop/web -> StatefulSet pay/db TCP/5432", "shop: Deployment shop/web -> StatefulSet pay/db UDP/1-2"},
		},
		"an end that is left out is every pod of the namespace": {
			allow: `[{to: {group: dns}, reason: names}, {from: {namespace: pay}, ports: [TCP/http], reason: all}]`,
			want:  []string{"shop: namespace shop -> dns any port", "shop: namespace pay -> namespace shop TCP/http"},
		},
		"Services, blocks, names and groups": {
			allow: `[{from: {group: gateway}, to: {service: {name: carts}}, reason: r}, {to: {cidr: 203.0.113.7}, ports: ["443"], reason: r}, {to: {domain: "*.example.com"}, ports: [TCP], reason: r}, {from: {group: external}, to: {workload: {name: web}}, ports: ["8080"], reason: r}]`,
			want: []string{
				"shop: gateway -> Service shop/carts any port", "shop: namespace shop -> 203.0.113.7/32 TCP/443", "shop: namespace shop -> *.example.com TCP",
				"shop: external -> Deployment shop/web TCP/8080",
			},
		},
		"requests of HTTP": {
			allow: `[{from: {workload: {name: web}}, to: {workload: {name: carts}}, ports: [TCP/http], http: [{methods: [GET, HEAD], paths: ["/carts/*"]}, {paths: [/healthz]}], reason: r}, {to: {service: {name: carts}}, http: [{methods: [GET]}], reason: r}]`,
			want:  []string{"shop: Deployment shop/web -> Deployment shop/carts TCP/http [GET /carts/*, HEAD /carts/*, any method /healthz]", "shop: namespace shop -> Service shop/carts any port [GET *]"},
		},
		"requests that cannot be asked for": {
			allow: `[{to: {workload: {name: carts}}, ports: ["80"], http: [{paths: [/a]}, {methods: [GET], paths: [/a, "/*/b"]}], reason: r}, {to: {workload: {name: carts}}, ports: ["80"], http: [{methods: [get]}], reason: r},` +
				` {to: {workload: {name: carts}}, ports: ["80"], http: [{}], reason: r}, {to: {workload: {name: carts}}, ports: [UDP/80, TCP, "80"], http: [{paths: [/a]}], reason: r}, {to: {domain: api.example.com}, ports: ["443"], http: [{paths: [/a]}], reason: r}]`,
			want: []string{"shop: namespace shop -> Deployment shop/carts TCP/80 [any method /a]"},
			problems: []string{
				`spec.allow[0].http[1].paths[1]: "GET/*/b": in a path, * stands at its end alone`, `spec.allow[1].http[0].methods[0]: "get": a method is written in capitals`, "spec.allow[2].http[0]: says nothing",
				"and not on TCP", "and not on UDP/80", "and api.example.com is none",
			},
		},
		"only the plan of a namespace speaks for it": {
			allow:    `[{from: {workload: {namespace: pay, name: api}}, to: {namespace: pay}, ports: ["1"], reason: r}, {from: {group: cluster}, to: {group: monitoring}, ports: ["1"], reason: r}]`,
			problems: []string{"spec.allow[0]: neither end is pods of namespace shop", "spec.allow[1]: neither end is pods of namespace shop"},
		},
		"ports are said, not guessed": {
			allow:    `[{to: {workload: {name: carts}}, reason: r}, {to: {workload: {name: carts}}, ports: ["99999"], reason: r}, {to: {group: external}, reason: r}, {to: {workload: {name: carts}}, ports: [grpc], reason: r}]`,
			problems: []string{"no port is given", "spec.allow[1]: ports[0]: port \"99999\"", "no port is given", "has a port named \"grpc\""},
		},
		"one broken port leaves the others": {
			allow:    `[{to: {workload: {name: carts}}, ports: ["0", "80"], reason: r}]`,
			want:     []string{"shop: namespace shop -> Deployment shop/carts TCP/80"},
			problems: []string{"spec.allow[0]: ports[0]"},
		},
		"an end is one thing and the thing that its field is for": {
			allow:    `[{to: {workload: {name: a}, namespace: pay}, reason: r}, {to: {}, reason: r}, {to: {domain: dns}, ports: ["1"], reason: r}, {to: {group: shop/web}, reason: r}, {to: {namespace: "pay/api"}, ports: ["1"], reason: r}, {to: {cidr: 10.0.0.1/8}, ports: ["1"], reason: r}, {to: {workload: {kind: service, name: carts}}, reason: r}, {reason: r}, {to: {workload: {name: gone}}, ports: ["1"], reason: r}]`,
			problems: []string{"here are 2", "here are 0", `"dns" is something else`, `"shop/web" is something else`, `"namespace/pay/api" is something else`, "without host bits", `"service/shop/carts" is something else`, "says nothing", "no workload deployment/gone"},
		},
		"a field that no API server takes": {
			allow:    `[{to: {group: dns}, reason: r, unless: {namespace: pay}}]`,
			problems: []string{`unknown field "spec.allow[0].unless"`},
		},
		"a value of another type": {
			allow:    `[{to: {group: dns}, ports: 53, reason: r}]`,
			problems: []string{"NetworkPlan: spec.allow.ports is a number where []string is wanted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := read(t, nil, fmt.Sprintf(planText, c.allow), intents.Options{})
			compare(t, &found, c.want, c.problems)
			for _, p := range found.Problems {
				if !strings.HasPrefix(p.String(), "NetworkPlan shop/default: namespace shop: ") {
					t.Errorf("%s: not at its place", p)
				}
			}
		})
	}
	for about, text := range map[string]string{
		`metadata.name: the only NetworkPlan`: strings.Replace(planText, "name: default", "name: mine", 1),
		`version "v2" is not known`:           strings.Replace(planText, "v1alpha1", "v2", 1),
	} {
		found, _ := read(t, nil, fmt.Sprintf(text, "[{to: {group: dns}, reason: r}]"), intents.Options{})
		compare(t, &found, nil, []string{about})
	}
}

// TestPlansExpire: the moment of its end is in the evidence, and Build heeds it.
func TestPlansExpire(t *testing.T) {
	t.Parallel()
	end := metav1.NewTime(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	found, in := read(t, nil, "", intents.Options{Plans: []*v1alpha1.NetworkPlan{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "default"},
		Spec: v1alpha1.NetworkPlanSpec{Allow: []v1alpha1.NetworkIntent{{
			To: &v1alpha1.NetworkPeer{Group: "dns"}, Reason: "a  migration\nof data", ExpiresAt: &end,
		}}},
	}}})
	in.Edges = found.For("shop", nil)
	for now, want := range map[time.Time]int{{}: 1, end.Add(-time.Second): 1, end.Time: 0} {
		in.Now = now
		if m, problems := generator.Build(in); len(m.Edges) != want || len(problems) != 1-want {
			t.Errorf("at %v: %v %v", now, m.Edges, problems)
		}
	}
	if why := found.Wishes[0].Edge.Because[0]; why.What != "spec.allow[0]: a migration of data" || !why.Expires.Equal(end.Time) {
		t.Errorf("%+v", why)
	}
}

// TestWhoseWordCounts: an object of one namespace opens its own, and another only
// where that has a word of its own or trusts it.
func TestWhoseWordCounts(t *testing.T) {
	t.Parallel()
	found, in := read(t, map[string]string{
		webTo:                             "pay/api:9090, pay/db:5432, namespace/monitoring:9090, cluster:8443",
		"Deployment pay/api: allow-from":  "namespace/shop:9000-9100",
		"StatefulSet pay/db: allow-from":  "shop/carts:5432",
		"DaemonSet shop/agent: allow-to":  "pay/api:9090",
		"StatefulSet pay/db: allow-to":    "shop/carts:80",
		"Deployment shop/carts: allow-to": "gateway:8443",
	}, "", intents.Options{})
	if len(found.Problems) > 0 {
		t.Fatal(found.Problems)
	}
	for name, c := range map[string]struct {
		got  []generator.Edge
		want []string
	}{
		"shop": {found.For("shop", nil), []string{
			"Deployment shop/carts -> gateway TCP/8443", "Deployment shop/web -> Deployment pay/api TCP/9090", "Deployment shop/web -> StatefulSet pay/db TCP/5432",
			"Deployment shop/web -> namespace monitoring TCP/9090", "Deployment shop/web -> cluster TCP/8443", "DaemonSet shop/agent -> Deployment pay/api TCP/9090",
		}},
		"pay": {found.For("pay", nil), []string{
			"namespace shop -> Deployment pay/api TCP/9000-9100", "Deployment shop/carts -> StatefulSet pay/db TCP/5432", "StatefulSet pay/db -> Deployment shop/carts TCP/80",
		}},
		"nobody": {found.For("monitoring", nil), nil},
	} {
		var got []string
		for _, e := range c.got {
			got = append(got, e.String())
		}
		slices.Sort(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(c.want)), got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	if got, want := len(found.For("pay", func(author string) bool { return author == "shop" })), len(found.Edges()); got != want {
		t.Errorf("who trusts the other takes %d of %d", got, want)
	}

	both := generator.Guard{Ingress: true, Egress: true}
	in.Guards = map[string]generator.Guard{"shop": both, "pay": both}
	edges, problems := found.Agreed(in, nil)
	want := []string{
		"Deployment shop/carts -> gateway TCP/8443",
		"Deployment shop/web -> Deployment pay/api TCP/9090",
		"Deployment shop/web -> namespace monitoring TCP/9090",
		"Deployment shop/web -> namespace shop TCP/8443",
	}
	compareEdges(t, "both guarded", edges, want)
	refused := []string{
		"Deployment shop/web -> StatefulSet pay/db TCP/5432: namespace pay is guarded too", "Deployment shop/web -> cluster TCP/8443: namespace pay", "nodes -> Deployment pay/api TCP/9090: namespace pay",
		"namespace shop -> Deployment pay/api TCP/9000-9100", "Deployment shop/carts -> StatefulSet pay/db TCP/5432: namespace shop", "StatefulSet pay/db -> Deployment shop/carts TCP/80: namespace shop",
	}
	for _, p := range problems {
		if !slices.ContainsFunc(refused, func(s string) bool { return strings.Contains(p.String(), s) }) {
			t.Errorf("%s", p)
		}
	}

	in.Guards = map[string]generator.Guard{"shop": both}
	edges, problems = found.Agreed(in, nil)
	compareEdges(t, "shop guarded", edges, []string{
		"Deployment shop/carts -> gateway TCP/8443", "Deployment shop/web -> Deployment pay/api TCP/9090", "Deployment shop/web -> StatefulSet pay/db TCP/5432",
		"Deployment shop/web -> cluster TCP/8443", "Deployment shop/web -> namespace monitoring TCP/9090", "nodes -> Deployment pay/api TCP/9090",
	})
	if len(problems) == 0 {
		t.Error("nothing is left out")
	}
	in.Guards["pay"] = both
	trusting, problems := found.Agreed(in, func(_, _ string) bool { return true })
	in.Edges = found.Edges()
	m, _ := generator.Build(in)
	if len(problems) > 0 || len(trusting) < len(m.Edges) {
		t.Errorf("%d of %d edges, %v: everybody trusts everybody", len(trusting), len(m.Edges), problems)
	}
}

func compareEdges(t *testing.T, name string, edges []generator.Edge, want []string) {
	t.Helper()
	var got []string
	for _, e := range edges {
		got = append(got, e.String())
	}
	slices.Sort(got)
	got = slices.Compact(got)
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), got); diff != "" {
		t.Errorf("%s: -want +got:\n%s", name, diff)
	}
}
