// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestObserve: whose pods are whose, and what a workload is to policies.
func TestObserve(t *testing.T) {
	t.Parallel()
	const containers = `"containers":[{"name":"c","image":"i","ports":[{"name":"http","containerPort":8080}]}]`
	object := func(kind, name, spec string) string {
		return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"shop"},"spec":%s}`, map[string]string{"CronJob": "batch/v1", "Job": "batch/v1", "Deployment": "apps/v1"}[kind], kind, name, spec)
	}
	owned := func(api, kind, name, labels, ownerAPI, owner, of, spec string) string {
		return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"shop","labels":%s,"ownerReferences":[{"apiVersion":%q,"kind":%q,"name":%q,"uid":"1","controller":true}]},"spec":%s}`,
			api, kind, name, labels, ownerAPI, owner, of, spec)
	}
	template := `{"template":{"metadata":{"labels":{"job":"report"}},"spec":{` + containers + `}}}`
	cron := object("CronJob", "report", `{"schedule":"@hourly","jobTemplate":{"spec":`+template+`}}`)
	job := owned("batch/v1", "Job", "report-28391", `{"job":"report"}`, "batch/v1", "CronJob", "report", template)
	run := owned("v1", "Pod", "report-28391-x", `{"job":"report","job-name":"report-28391"}`, "batch/v1", "Job", "report-28391", `{`+containers+`}`)
	orphan := owned("v1", "Pod", "report-28391234-x", `{"job":"report","job-name":"report-28391234"}`, "batch/v1", "Job", "report-28391234", `{`+containers+`}`)
	for name, tc := range map[string]struct {
		objects []string
		want    []string
	}{
		"B1.21 a run whose Job is gone is its CronJob's":          {[]string{cron, orphan}, []string{"CronJob shop/report map[job:report] [http TCP/8080]"}},
		"B1.21 a Job that is named like a run of none":            {[]string{orphan}, []string{"Job shop/report-28391234 map[job:report] [http TCP/8080]"}},
		"B1.21 a Job with a number of a person":                   {[]string{cron, run}, []string{"CronJob shop/report map[job:report] [http TCP/8080]", "Job shop/report-28391 map[job:report] [http TCP/8080]"}},
		"B1.21 every run of a CronJob is the CronJob":             {[]string{cron, job, run}, []string{"CronJob shop/report map[job:report] [http TCP/8080]"}},
		"B1.21 a run whose Job is gone keeps no label of the run": {[]string{run}, []string{"Job shop/report-28391 map[job:report] [http TCP/8080]"}},
		"B1.21 pods that an operator makes are its custom resource's": {
			[]string{owned("v1", "Pod", "spark-1-exec-7", `{"spark-role":"executor"}`, "sparkoperator.k8s.io/v1beta2", "SparkApplication", "spark-1", `{`+containers+`}`)},
			[]string{"SparkApplication shop/spark-1 map[spark-role:executor] [http TCP/8080]"},
		},
		"B1.21 a pod without an owner is itself": {
			[]string{`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"debug","namespace":"shop","labels":{"run":"debug"}},"spec":{` + containers + `}}`},
			[]string{"Pod shop/debug map[run:debug] [http TCP/8080]"},
		},
		"B1.23 init containers and sidecars share the pod with the others": {
			[]string{object("Deployment", "web", `{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{`+containers+`,"initContainers":[{"name":"proxy","image":"i","restartPolicy":"Always","ports":[{"name":"admin","containerPort":15000}]},{"name":"migrate","image":"i","ports":[{"name":"dbg","containerPort":9,"protocol":"UDP"}]}]}}}`)},
			[]string{"Deployment shop/web map[app:web] [http TCP/8080 admin TCP/15000 dbg UDP/9]"},
		},
		"B1.13 a pod on the network of its node is there": {
			[]string{object("Deployment", "web", `{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"hostNetwork":true,`+containers+`}}}`)},
			[]string{"Deployment shop/web map[app:web] [http TCP/8080] on its node"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := Observe(inventoryOf(t, tc.objects...))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range u.Workloads() {
				var ports []string
				for _, p := range w.Ports {
					ports = append(ports, p.Name+" "+NumberedPort(p.Protocol, p.Number).String())
				}
				text := fmt.Sprintf("%s %v %v", w.ID, w.Labels, ports)
				if w.HostNetwork {
					text += " on its node"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestANamespaceIsKnownByItsOwnName: B1.5. Who may label a namespace cannot make
// it pass for another.
func TestANamespaceIsKnownByItsOwnName(t *testing.T) {
	t.Parallel()
	u, err := NewUniverse([]*Workload{{ID: WorkloadID{"new", "Pod", "x"}}}, map[string]map[string]string{"shop": {"kubernetes.io/metadata.name": "kube-system", "team": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{"shop": {"kubernetes.io/metadata.name": "shop", "team": "a"}, "new": {"kubernetes.io/metadata.name": "new"}}
	got := map[string]map[string]string{}
	for _, name := range u.Namespaces() {
		got[name] = u.NamespaceLabels(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDiscoverAPIServer: B1.14. Policies see the addresses and the ports of the
// endpoints, of all of them, and not those of the Service.
func TestDiscoverAPIServer(t *testing.T) {
	t.Parallel()
	const service = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"kubernetes","namespace":"default"},"spec":{"clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"],"ports":[{"name":"https","port":443,"targetPort":6443}]}}`
	slice := func(name, family, addresses string, port int) string {
		return fmt.Sprintf(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":%q,"namespace":"default","labels":{"kubernetes.io/service-name":"kubernetes"}},"addressType":%q,"endpoints":[{"addresses":[%s]}],"ports":[{"name":"https","port":%d}]}`, name, family, addresses, port)
	}
	for name, tc := range map[string]struct {
		objects []string
		want    string
	}{
		"B1.14 three servers":                    {[]string{service, slice("kubernetes", "IPv4", `"192.0.2.3","192.0.2.1","192.0.2.2"`, 6443)}, "[192.0.2.1/32 192.0.2.2/32 192.0.2.3/32] [TCP/6443]"},
		"B1.14 and B1.17 one of each family":     {[]string{service, slice("kubernetes", "IPv4", `"192.0.2.1"`, 6443), slice("kubernetes-v6", "IPv6", `"2001:db8::1"`, 6443)}, "[192.0.2.1/32 2001:db8::1/128] [TCP/6443]"},
		"B1.14 a server of a provider, on 443":   {[]string{service, slice("kubernetes", "IPv4", `"198.51.100.9"`, 443)}, "[198.51.100.9/32] [TCP/443]"},
		"B1.14 no endpoints, and no guess":       {[]string{service}, "[] []"},
		"B1.14 endpoints of a Service like that": {[]string{service, strings.ReplaceAll(slice("kubernetes", "IPv4", `"192.0.2.1"`, 6443), `"default"`, `"shop"`)}, "[] []"},
		"B1.14 endpoints that somebody else wrote": {[]string{
			service, slice("kubernetes", "IPv4", `"192.0.2.1"`, 6443), slice("mine", "IPv4", `"203.0.113.66"`, 443),
			strings.ReplaceAll(slice("kubernetes-v6", "IPv6", `"2001:db8::bad"`, 443), `"labels":{`, `"labels":{"endpointslice.kubernetes.io/managed-by":"me",`),
		}, "[192.0.2.1/32] [TCP/6443]"},
	} {
		env := Discover(inventoryOf(t, tc.objects...))
		if got := fmt.Sprint(env.APIServer.Addresses, " ", env.APIServer.Ports); got != tc.want {
			t.Errorf("%s: %s, not %s", name, got, tc.want)
		}
	}
}

// TestWhoIsNotTheAPIServerIsNamed where somebody connects to that.
func TestWhoIsNotTheAPIServerIsNamed(t *testing.T) {
	t.Parallel()
	const foreign = `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":%q,"namespace":%q,"labels":{"kubernetes.io/service-name":"kubernetes"%s}},"addressType":"IPv4","endpoints":[{"addresses":["203.0.113.66"]}],"ports":[{"port":443}]}`
	inv := inventoryOf(t, fmt.Sprintf(foreign, "mine", "default", ""), fmt.Sprintf(foreign, "kubernetes", "default", `,"endpointslice.kubernetes.io/managed-by":"me"`), fmt.Sprintf(foreign, "mine", "shop", ""))
	web := WorkloadPeerOf(WorkloadID{"shop", "Deployment", "web"})
	var got []string
	for _, p := range (&Model{}).Disbelieved(inv, []Problem{{Edge: Edge{From: web, To: Peer{Kind: APIServerPeer}}}}) {
		got = append(got, p.String())
	}
	want := []string{
		`api-server: EndpointSlice default/kubernetes names addresses of it, which do not count: "me" manages it`,
		`api-server: EndpointSlice default/mine names addresses of it, which do not count: those of API servers are named kubernetes, kubernetes-v4, kubernetes-v6`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	m := &Model{Edges: []Edge{{From: web, To: Peer{Kind: APIServerPeer}}}}
	if n := len(m.Disbelieved(inv, nil)); n != 2 {
		t.Errorf("%d by an edge", n)
	}
	if list := (&Model{Edges: []Edge{{From: web, To: Peer{Kind: DNSPeer}}}}).Disbelieved(inv, nil); len(list) > 0 {
		t.Errorf("%v, and nobody connects to the API server", list)
	}
}
