// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
)

// input is a namespace with two workloads, another with one on the network of
// its node, and groups of which some are known.
func input(t *testing.T) templates.Input {
	t.Helper()
	workload := func(namespace, name string, host bool) *generator.Workload {
		return &generator.Workload{
			ID: generator.WorkloadID{Namespace: namespace, Kind: "Deployment", Name: name}, Labels: map[string]string{"app": name}, HostNetwork: host,
		}
	}
	u, err := generator.NewUniverse([]*generator.Workload{workload("shop", "web", false), workload("shop", "db", false), workload("data", "db", true)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	env.DNS = generator.Group{
		Pods:  []generator.PodSet{{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}}},
		Ports: []generator.Port{generator.NumberedPort(generator.TCP, 5353), generator.NumberedPort(generator.UDP, 5353)},
	}
	env.APIServer.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.10/32")} // its ports are not known
	return templates.Input{Namespace: "shop", Universe: u, Environment: env}
}

// with returns a template of some edges and tiers, which may use parameters of
// every type.
func with(t *testing.T, spec string) *templates.Template {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: gatehouse.sh/v1alpha1\nkind: PolicyTemplate\nmetadata: {name: x}\nspec:\n  title: x\n  description: x\n")
	declared := ""
	for ty := templates.BooleanType; ty <= templates.ServiceType; ty++ {
		if strings.Contains(spec, "$("+ty.String()+")") {
			declared += fmt.Sprintf("    - {name: %s, type: %s, description: x}\n", ty, ty)
		}
	}
	if declared != "" {
		b.WriteString("  parameters:\n" + declared)
	}
	for line := range strings.Lines(spec) {
		b.WriteString("  " + line)
	}
	tmpl, err := templates.Parse("x/template.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return tmpl
}

func edge(from, to, rest string) string {
	return "edges:\n  - from: " + from + "\n    to: " + to + "\n    because: x\n" + rest
}

func TestApply(t *testing.T) {
	t.Parallel()
	all := "{workloads: all}"
	type values = map[string]string
	for name, c := range map[string]struct {
		spec     string
		given    values
		enforcer templates.Enforcer
		want     []string // edges
		problem  string
	}{
		"all pods are the namespace":        {spec: edge(all, all, "    ports: 80"), want: []string{"namespace shop -> namespace shop TCP/80"}},
		"labels are the workloads":          {spec: edge("{workloads: {app: db}}", all, "    ports: 80"), want: []string{"Deployment shop/db -> namespace shop TCP/80"}},
		"of another namespace":              {spec: edge("{workloads: {app: db}, namespace: data}", all, "    ports: 80"), want: []string{"Deployment data/db -> namespace shop TCP/80"}},
		"all of another namespace":          {spec: edge("{workloads: all, namespace: data}", all, "    ports: 80"), want: []string{"namespace data -> namespace shop TCP/80"}},
		"labels that nobody has":            {spec: edge("{workloads: {app: cache}}", all, "    ports: 80"), problem: "no workload of namespace shop has the labels app=cache"},
		"a Service without a port":          {spec: edge(all, "{service: db}", ""), want: []string{"namespace shop -> Service shop/db any port"}},
		"a Service of another namespace":    {spec: edge(all, "{service: data/db}", "    ports: pg"), want: []string{"namespace shop -> Service data/db TCP/pg"}},
		"addresses and domains":             {spec: edge(all, "{addresses: [192.0.2.1, '2001:db8::/32']}", "    ports: 443"), want: []string{"namespace shop -> 192.0.2.1/32 TCP/443", "namespace shop -> 2001:db8::/32 TCP/443"}},
		"a domain with a dot":               {spec: edge(all, "{domains: [API.example.com., '*.example.org']}", "    ports: 443"), want: []string{"namespace shop -> *.example.org TCP/443", "namespace shop -> api.example.com TCP/443"}},
		"a group has its own ports":         {spec: edge(all, "{group: dns}", ""), want: []string{"namespace shop -> dns any port"}},
		"several of everything":             {spec: edge("{namespaces: [b, a]}", all, "    ports: [81, 80]"), want: []string{"namespace a -> namespace shop TCP/80", "namespace a -> namespace shop TCP/81", "namespace b -> namespace shop TCP/80", "namespace b -> namespace shop TCP/81"}},
		"a parameter without a value":       {spec: edge("{namespaces: $(namespaces)}", all, "    ports: 80")},
		"a parameter with commas":           {spec: edge("{namespaces: $(namespaces)}", all, "    ports: $(ports)"), given: values{"namespaces": "b, a", "ports": "80"}, want: []string{"namespace a -> namespace shop TCP/80", "namespace b -> namespace shop TCP/80"}},
		"one namespace where several may":   {spec: edge("{namespaces: $(namespace)}", all, "    ports: 80"), given: values{"namespace": "a"}, want: []string{"namespace a -> namespace shop TCP/80"}},
		"labels as a text":                  {spec: edge("{workloads: $(workloads)}", all, "    ports: 80"), given: values{"workloads": "app=web"}, want: []string{"Deployment shop/web -> namespace shop TCP/80"}},
		"labels as YAML":                    {spec: edge("{workloads: $(workloads)}", all, "    ports: 80"), given: values{"workloads": "{app: web}"}, want: []string{"Deployment shop/web -> namespace shop TCP/80"}},
		"the other types":                   {spec: edge(all, "{addresses: $(addresses)}", "    ports: 1") + "\n  - {from: {workloads: all}, to: {domains: $(domains)}, ports: 1, because: x}\n  - {from: {workloads: all}, to: {service: $(service)}, because: x}\n", given: values{"addresses": "192.0.2.0/24", "domains": "a.example", "service": "b/c"}, want: []string{"namespace shop -> Service b/c any port", "namespace shop -> a.example TCP/1", "namespace shop -> 192.0.2.0/24 TCP/1"}},
		"for this enforcer":                 {spec: edge(all, all, "    ports: 80\n    enforcers: [calico, gke]"), enforcer: templates.GKE, want: []string{"namespace shop -> namespace shop TCP/80"}},
		"not for this enforcer":             {spec: edge(all, all, "    ports: 80\n    enforcers: [calico, gke]"), enforcer: templates.Cilium},
		"probes of which nothing was given": {spec: edge("{group: nodes}", all, "    ports: probes"), problem: "are not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(t)
			in.Enforcer = c.enforcer
			out, err := templates.Apply(with(t, c.spec), c.given, in)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, len(out.Edges))
			for i, e := range out.Edges {
				got[i] = e.String()
				if why := e.Because; len(why) != 1 || why[0].Source != generator.Template || why[0].Where != "template x" || why[0].What != "x" || e.Confidence() != generator.Certain {
					t.Errorf("%s because %+v", e, why)
				}
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, not %q", got, c.want)
			}
			if (c.problem != "") != (len(out.Problems) > 0) {
				t.Errorf("problems: %v", out.Problems)
			}
			for _, p := range out.Problems {
				if text := p.String(); !strings.Contains(text, c.problem) || !strings.HasPrefix(text, "template x: namespace shop: ") {
					t.Errorf("%s: not about %q", text, c.problem)
				}
			}
		})
	}
}

// TestApplyRefuses: a value that is wrong is an error, whatever else is right.
func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	used := map[string]string{
		"boolean":    "guard: {ingress: $(boolean)}\n",
		"ports":      edge("{workloads: all}", "{workloads: all}", "    ports: $(ports)"),
		"workloads":  edge("{workloads: all}", "{workloads: $(workloads)}", "    ports: 80"),
		"namespace":  edge("{workloads: all, namespace: $(namespace)}", "{workloads: all}", "    ports: 80"),
		"namespaces": edge("{namespaces: $(namespaces)}", "{workloads: all}", "    ports: 80"),
		"addresses":  edge("{workloads: all}", "{addresses: $(addresses)}", "    ports: 80"),
		"domains":    edge("{workloads: all}", "{domains: $(domains)}", "    ports: 80"),
		"service":    edge("{workloads: all}", "{service: $(service)}", "    ports: 80"),
	}
	for of, c := range map[string]struct{ right, wrong []string }{
		"boolean":    {[]string{"true", "false"}, []string{"yes", "1", "[true]", "True", "null"}},
		"ports":      {[]string{"80", "[80, UDP/53]", "80,81"}, []string{"0", "[]", "{a: b}", "80,", "ICMP", "[80, null]", "probes and more"}},
		"workloads":  {[]string{"all", "app=web", "{app: web}"}, []string{"{}", "[]", "app", "=web", "app=web,app=db", "app=we b", "pod-template-hash=1", "{app: [web]}", "{app: }"}},
		"namespace":  {[]string{"shop"}, []string{"[shop]", "Shop", "a,b", "a.b"}},
		"namespaces": {[]string{"shop", "[a, b]", "a,b", "- a\n- b\n"}, []string{"[]", "[a, '']", "a,,b", "Shop", "{a: b}", "'*'"}},
		"addresses":  {[]string{"192.0.2.0/24", "192.0.2.1", "2001:db8::/32,::1", "::ffff:192.0.2.0/120"}, []string{"192.0.2.1/24", "192.0.2.0/33", "all", "fe80::1%eth0", "[]", "1.2.3"}},
		"domains":    {[]string{"a.example", "*.example.com", "['*.example.com', b.example]"}, []string{"a", "*", "*.com", "a.*.example", "a b.example", "a.example,"}},
		"service":    {[]string{"web", "shop/web"}, []string{"a/b/c", "/web", "shop/", "Web", "[web]"}},
	} {
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			tmpl := with(t, used[of])
			for _, value := range c.right {
				if _, err := templates.Apply(tmpl, map[string]string{of: value}, input(t)); err != nil {
					t.Errorf("%s: %v", value, err)
				}
			}
			for _, value := range append(c.wrong, "", " ", "$("+of+")", "[&a x, *a]", "&a [*a]", "[", "- a\n- [", "# a\n# b", strings.Repeat("[", 100)+strings.Repeat("]", 100), strings.Repeat("x", 1<<20)) {
				out, err := templates.Apply(tmpl, map[string]string{of: value}, input(t))
				if err == nil || !strings.HasPrefix(err.Error(), "template x: parameter "+of+": ") || len(err.Error()) > 500 {
					t.Errorf("%.50s: %v, %v", value, out, err)
				}
			}
		})
	}
	tmpl := with(t, used["ports"])
	for want, err := range map[string]error{
		`there is no parameter "port": not one of ports`: func() error {
			_, err := templates.Apply(tmpl, map[string]string{"port": "80"}, input(t))
			return err
		}(),
		"no name of a namespace": func() error {
			in := input(t)
			in.Namespace = "Shop"
			_, err := templates.Apply(tmpl, nil, in)
			return err
		}(),
		"applied to a namespace, and none is given": func() error {
			in := input(t)
			in.Namespace = ""
			_, err := templates.Apply(tmpl, nil, in)
			return err
		}(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not about %q", err, want)
		}
	}
}

// TestTiersAreAllOrNone: where a peer is not known there are no tiers, because
// what one denies another may have to accept.
func TestTiersAreAllOrNone(t *testing.T) {
	t.Parallel()
	tier := func(rules string) string {
		return "tiers:\n  - {name: t, tier: Admin, priority: 1, subject: {namespaces: all}, because: x, egress: [{name: first, action: Deny, peers: [{group: metadata}]}, " + rules + "]}\n"
	}
	for rules, want := range map[string]string{
		"{name: r, action: Accept, peers: [{group: dns}]}":                                        "[dns] [TCP/5353 UDP/5353]",
		"{name: r, action: Accept, peers: [{group: dns}], ports: 53}":                             "[dns] [TCP/53]",
		"{name: r, action: Accept, peers: [{group: dns}, {group: cluster}]}":                      "[cluster dns] []",
		"{name: r, action: Accept, peers: [{workloads: {app: web}, namespace: shop}]}":            "[Deployment shop/web] []",
		"{name: r, action: Pass, peers: [{namespaces: [a, b, a]}]}":                               "[namespace a namespace b] []",
		"{name: r, action: Accept, peers: [{group: monitoring}]}":                                 "",
		"{name: r, action: Accept, peers: [{group: api-server}]}":                                 "", // its ports are not known
		"{name: r, action: Accept, peers: [{workloads: {app: cache}, namespace: shop}]}":          "",
		"{name: r, action: Accept, peers: [{group: dns}, {group: monitoring}], ports: TCP+UDP/1}": "",
	} {
		in := input(t)
		in.Namespace = ""
		out, err := templates.Apply(with(t, tier(rules)), nil, in)
		if err != nil {
			t.Errorf("%s: %v", rules, err)
			continue
		}
		if want == "" {
			if len(out.Tiers) > 0 || len(out.Problems) == 0 {
				t.Errorf("%s: %v, %v", rules, out.Tiers, out.Problems)
			}
			continue
		}
		if len(out.Problems) > 0 || len(out.Tiers) != 1 || len(out.Tiers[0].Egress) != 2 {
			t.Errorf("%s: %v, %v", rules, out.Tiers, out.Problems)
			continue
		}
		if r := out.Tiers[0].Egress[1]; fmt.Sprintf("%v %v", r.Peers, r.Ports) != want {
			t.Errorf("%s: %v %v, not %s", rules, r.Peers, r.Ports, want)
		}
		if n := len(out.Tiers[0].Egress[0].Peers); n != len(in.Environment.Metadata) {
			t.Errorf("%d of %d metadata services", n, len(in.Environment.Metadata))
		}
	}
	in := input(t)
	if _, err := templates.Apply(with(t, tier("{name: r, action: Accept, peers: [{group: dns}]}")), nil, in); err == nil {
		t.Error("a template of tiers alone was applied to a namespace")
	}
	many := make([]string, templates.MaxPeers+1)
	for i := range many {
		many[i] = fmt.Sprintf("ns-%d", i)
	}
	in.Namespace = ""
	out, err := templates.Apply(with(t, tier("{name: r, action: Pass, peers: [{namespaces: $(namespaces)}]}")), map[string]string{"namespaces": strings.Join(many, ",")}, in)
	if err != nil || len(out.Tiers) > 0 || len(out.Problems) != 1 {
		t.Errorf("%v, %v: more peers than a rule can have", out, err)
	}
}
