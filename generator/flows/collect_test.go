// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-sh/gatehouse/generator"
)

const (
	isReply  = `,"is_reply":true`
	noReply  = `,"is_reply":false`
	accepted = `,"flags":{"SYN":true,"ACK":true}`
	going    = `,"flags":{"ACK":true}`
)

// dropped is the first packet of a connection, which was dropped.
func dropped(why string) string {
	return strings.Replace(tcp(web, carts, "40000", "8081", opening, why), "FORWARDED", "DROPPED", 1)
}

// TestWhatAFlowBecomes has one row for each rule. A row is a flow and the edges
// with their confidence, or the reason why there is none.
func TestWhatAFlowBecomes(t *testing.T) {
	t.Parallel()
	const webToCarts = "Deployment shop/web -> Deployment shop/carts TCP/8081"
	for name, tc := range map[string]struct{ flow, want string }{
		// Who opened the connection (B1.10).
		"the first packet":                                {tcp(web, carts, "40000", "8081", opening, ""), webToCarts + " certain"},
		"one that is said to be no reply":                 {tcp(web, carts, "40000", "8081", going, noReply), webToCarts + " certain"},
		"a reply":                                         {tcp(carts, web, "8081", "40000", going, isReply), "replies"},
		"an acceptance that is said to be no reply":       {tcp(carts, web, "8081", "40000", accepted, noReply), "replies"},
		"a late reply that is taken for a new connection": {tcp(carts, web, "8081", "40000", going, noReply), "replies"},
		"nothing said, to a port that is known":           {tcp(web, carts, "40000", "8081", going, ""), webToCarts + " likely"},
		"nothing said, from a port that is known":         {tcp(carts, web, "8081", "40000", going, ""), "replies"},
		"nothing said, from an ephemeral port":            {tcp(web, carts, "40000", "9000", going, ""), "Deployment shop/web -> Deployment shop/carts TCP/9000 guessed"},
		"nothing said, to an ephemeral port":              {tcp(web, carts, "9000", "40000", going, ""), "replies"},
		"nothing said, between ephemeral ports":           {tcp(web, carts, "40000", "40001", going, ""), "nothing tells which end opened the connection"},
		"nothing said, between other ports":               {tcp(web, carts, "9000", "9001", going, ""), "nothing tells which end opened the connection"},
		"a port that is known within the ephemeral range": {tcp(web, carts, "40000", "40000", opening, ""), "Deployment shop/web -> Deployment shop/carts TCP/40000 certain"},
		"a null for the reply":                            {tcp(web, carts, "40000", "8081", going, `,"is_reply":null`), webToCarts + " likely"},
		"the old field for a reply":                       {tcp(carts, web, "8081", "40000", going, `,"reply":true`), "replies"},
		"camel case":                                      {tcp(carts, web, "8081", "40000", going, `,"isReply":true`), "replies"},
		"an answer of a name server":                      {udp(dns, web, "5353", "40000", ""), "replies"},
		"a late answer of a name server":                  {udp(dns, web, "5353", "40000", noReply), "replies"},
		"an answer at the level of requests":              {tcp(carts, web, "8081", "40000", "", `,"l7":{"type":"RESPONSE"}`), "replies"},
		"a socket whose address is translated back":       {tcp(carts, web, "8081", "9", "", `,"sock_xlate_point":"SOCK_XLATE_POINT_POST_DIRECTION_REV"`), "replies"},
		"the beginning of an association":                 {strings.Replace(tcp(web, carts, "1", "2", `,"chunk_type":"INIT"`, ""), `"TCP"`, `"SCTP"`, 1), "Deployment shop/web -> Deployment shop/carts SCTP/2 certain"},
		"the acceptance of an association":                {strings.Replace(tcp(web, carts, "1", "2", `,"chunk_type":"INIT_ACK"`, ""), `"TCP"`, `"SCTP"`, 1), "replies"},
		// What became of it.
		"a drop": {strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), "FORWARDED", "DROPPED", 1), "dropped"},
		"a drop by a policy that allows nothing of it":   {dropped(`,"drop_reason":133,"drop_reason_desc":"POLICY_DENIED"`), "dropped"},
		"a drop by a policy that denies it":              {dropped(`,"drop_reason_desc":"POLICY_DENY","drop_reason":181`), "dropped"},
		"a drop in the words of an old node":             {dropped(`,"drop_reason":133`), "dropped"},
		"a drop whose reason nobody knows":               {dropped(`,"drop_reason_desc":"DROP_REASON_UNKNOWN"`), "dropped"},
		"a drop of a table that is full":                 {dropped(`,"drop_reason":155,"drop_reason_desc":"CT_MAP_INSERTION_FAILED"`), "dropped, but by no policy"},
		"the same in the words of an old node":           {dropped(`,"drop_reason":155`), "dropped, but by no policy"},
		"the same before the verdict":                    {strings.Replace(dropped(""), `"time"`, `"dropReasonDesc":155,"time"`, 1), "dropped, but by no policy"},
		"a drop until the ends have proved who they are": {dropped(`,"drop_reason_desc":"AUTH_REQUIRED"`), "dropped, but by no policy"},
		"a reason without a drop":                        {tcp(web, carts, "40000", "8081", opening, `,"drop_reason_desc":"FIB_LOOKUP_FAILED"`), webToCarts + " certain"},
		"an audit":                                       {strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), "FORWARDED", "AUDIT", 1), webToCarts + " certain"},
		"one that a proxy took":                          {strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), "FORWARDED", "REDIRECTED", 1), webToCarts + " certain"},
		"one that is traced only":                        {strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), "FORWARDED", "TRACED", 1), "no verdict"},
		"one without a verdict":                          {strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), `"verdict":"FORWARDED",`, "", 1), "no verdict"},
		"an error":                                       {strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), "FORWARDED", "ERROR", 1), "errors"},
		"ICMP":                                           {strings.Replace(tcp(web, carts, "0", "0", "", ""), `"TCP"`, `"ICMPv4"`, 1), "neither TCP, UDP nor SCTP"},
		"no transport":                                   {strings.Replace(tcp(web, carts, "0", "0", "", ""), `{"TCP"`, `{"":1,"x"`, 1), "neither TCP, UDP nor SCTP"},
		"no port":                                        {tcp(web, carts, "40000", "0", "", noReply), "no port"},
		"a pod to itself":                                {tcp(web, web, "40000", "8080", opening, ""), "a pod to itself"},
		"a replica to another":                           {tcp(db0, strings.Replace(db0, "db-0", "db-1", 1), "40000", "5432", opening, ""), "StatefulSet shop/db -> StatefulSet shop/db TCP/5432 certain"},
		// Groups (B1.9, B1.13, B1.14, B2.10).
		"to a name server":                           {udp(web, dns, "40000", "5353", noReply), "Deployment shop/web -> dns any port certain"},
		"to the metrics of a name server":            {tcp(web, dns, "40000", "9153", opening, ""), "Deployment shop/web -> Deployment kube-system/kube-dns TCP/9153 certain"},
		"to the Service of the name servers":         {at("10.96.0.10", udp(web, outside, "40000", "53", noReply)), "Deployment shop/web -> dns any port certain"},
		"from the node of the pod":                   {tcp(host, web, "40000", "8080", opening, ""), "nodes -> Deployment shop/web TCP/8080 certain"},
		"to another node":                            {tcp(web, remote, "40000", "9100", opening, ""), "Deployment shop/web -> nodes TCP/9100 certain"},
		"to the API server":                          {at("192.168.7.1", tcp(web, api, "40000", "6443", opening, "")), "Deployment shop/web -> api-server TCP/6443 certain"},
		"to the kubelet of the API server's machine": {at("192.168.7.1", tcp(web, api, "40000", "10250", opening, "")), "Deployment shop/web -> nodes TCP/10250 certain"},
		"to the Service of the API server":           {at("10.96.0.1", tcp(web, outside, "40000", "443", opening, "")), "Deployment shop/web -> api-server any port certain"},
		"from the API server":                        {tcp(api, web, "40000", "8080", opening, ""), "api-server -> Deployment shop/web TCP/8080 certain"},
		"from the gateway":                           {tcp(ingress, web, "40000", "8080", opening, ""), "gateway -> Deployment shop/web TCP/8080 certain"},
		"from a health probe":                        {tcp(health, web, "40000", "8080", opening, ""), "health probes of Cilium"},
		"between two nodes":                          {tcp(host, remote, "40000", "8080", opening, ""), "neither end is a pod"},
		// Addresses (B1.6, B1.16, B2.15).
		"to a Service": {at("10.96.0.7", tcp(web, outside, "40000", "80", opening, "")), "Deployment shop/web -> Service shop/carts TCP/80 certain"},
		"to a Service that the recorder alone knows":        {at("10.97.0.9", tcp(web, outside, "40000", "80", opening, `,"destination_service":{"name":"carts","namespace":"shop"}`)), "Deployment shop/web -> Service shop/carts TCP/80 certain"},
		"to a Service that nobody knows":                    {at("198.51.100.9", tcp(web, outside, "40000", "80", opening, `,"destination_service":{"name":"gone","namespace":"shop"}`)), "Deployment shop/web -> 198.51.100.9/32 TCP/80 certain"},
		"to a metadata service under the name of a Service": {at("169.254.169.254", tcp(web, outside, "40000", "80", opening, `,"destination_service":{"name":"carts","namespace":"shop"}`)), "to a metadata service"},
		"to the world":                             {at("198.51.100.9", tcp(web, outside, "40000", "443", opening, "")), "Deployment shop/web -> 198.51.100.9/32 TCP/443 certain"},
		"to the world by a name":                   {at("198.51.100.9", tcp(web, outside, "40000", "443", opening, `,"destination_names":["API.example.com."]`)), "Deployment shop/web -> api.example.com TCP/443 certain"},
		"to the world by two names":                {at("198.51.100.9", tcp(web, outside, "40000", "443", opening, `,"destination_names":["b.example","a.example","b.example"]`)), "Deployment shop/web -> a.example TCP/443 certain; Deployment shop/web -> b.example TCP/443 certain"},
		"to an address that nine names share":      {at("198.51.100.9", tcp(web, outside, "40000", "443", opening, `,"destination_names":["a.a","b.b","c.c","d.d","e.e","f.f","g.g","h.h","i.i"]`)), "Deployment shop/web -> 198.51.100.9/32 TCP/443 certain"},
		"to the world by a name of pods":           {at("198.51.100.9", tcp(web, outside, "40000", "80", opening, `,"destination_names":["carts.shop.svc.cluster.local"]`)), "Deployment shop/web -> 198.51.100.9/32 TCP/80 certain"},
		"to the world by a name of addresses":      {at("198.51.100.9", tcp(web, outside, "40000", "443", opening, `,"destination_names":["kubernetes.default.svc.cluster.local"]`)), "Deployment shop/web -> Service default/kubernetes TCP/443 certain"},
		"to the world by what is no name":          {at("198.51.100.9", tcp(web, outside, "40000", "443", opening, `,"destination_names":["*.com","a\nb.com","\u001b[2J.com","a..com","é.example","a b.com"]`)), "Deployment shop/web -> 198.51.100.9/32 TCP/443 certain"},
		"to the world over IPv6":                   {at("2001:db8::9", tcp(web, outside, "40000", "443", opening, "")), "Deployment shop/web -> 2001:db8::9/128 TCP/443 certain"},
		"to IPv4 that is written as IPv6":          {at("::ffff:198.51.100.9", tcp(web, outside, "40000", "443", opening, "")), "Deployment shop/web -> 198.51.100.9/32 TCP/443 certain"},
		"to a metadata service":                    {at("169.254.169.254", tcp(web, outside, "40000", "80", opening, "")), "to a metadata service"},
		"to a metadata service by a name":          {at("169.254.169.254", tcp(web, outside, "40000", "80", opening, `,"destination_names":["x.example"]`)), "to a metadata service"},
		"to an address of a pod that is gone":      {at("10.0.3.3", tcp(web, outside, "40000", "80", opening, "")), "an end is not known"},
		"to a Service that is gone":                {at("10.96.3.3", tcp(web, outside, "40000", "80", opening, "")), "an end is not known"},
		"to everybody":                             {at("224.0.0.251", udp(web, outside, "5353", "5353", noReply)), "an end is not known"},
		"to an address of a pod, without its name": {tcp(web, `{}`, "40000", "8081", opening, ""), webToCarts + " likely"},
		"without an address":                       {at("nowhere", tcp(web, `{}`, "40000", "8081", opening, "")), "an end is not known"},
		// Names (B1.21).
		"a pod of an unknown namespace":       {tcp(`{"namespace":"gone","pod_name":"x-1"}`, carts, "40000", "8081", opening, ""), "an end is not known"},
		"a workload that is gone":             {tcp(`{"namespace":"shop","workloads":[{"kind":"Deployment","name":"old"}]}`, carts, "40000", "8081", opening, ""), "an end is not known"},
		"a pod by its name":                   {tcp(`{"namespace":"shop","pod_name":"web-5d4f-abcde"}`, carts, "40000", "8081", opening, ""), webToCarts + " certain"},
		"a pod that is gone, by its name":     {tcp(`{"namespace":"shop","pod_name":"web-7f9c-xyzzy"}`, carts, "40000", "8081", opening, ""), webToCarts + " likely"},
		"a replica that is gone, by its name": {tcp(`{"namespace":"shop","pod_name":"db-7"}`, carts, "40000", "8081", opening, ""), "StatefulSet shop/db -> Deployment shop/carts TCP/8081 likely"},
		"a pod by its labels":                 {tcp(`{"namespace":"shop","labels":["k8s:app=web","k8s:pod-template-hash=1"]}`, carts, "40000", "8081", opening, ""), webToCarts + " likely"},
		"labels of two workloads":             {tcp(`{"namespace":"shop","labels":["k8s:app=web","k8s:job=report"]}`, carts, "40000", "8081", opening, ""), "an end is not known"},
		"a run of a CronJob":                  {tcp(`{"namespace":"shop","workloads":[{"kind":"Job","name":"report-28391"}]}`, db0, "40000", "5432", opening, ""), "CronJob shop/report -> StatefulSet shop/db TCP/5432 certain"},
		"a pod of a CronJob that is gone":     {tcp(`{"namespace":"shop","pod_name":"report-28391-abcde"}`, db0, "40000", "5432", opening, ""), "CronJob shop/report -> StatefulSet shop/db TCP/5432 likely"},
		"a ReplicaSet":                        {tcp(`{"namespace":"shop","workloads":[{"kind":"ReplicaSet","name":"web-5d4f"}]}`, carts, "40000", "8081", opening, ""), webToCarts + " certain"},
		"a namespace by its label alone":      {tcp(`{"labels":["k8s:app=web","k8s:io.kubernetes.pod.namespace=shop"]}`, carts, "40000", "8081", opening, ""), webToCarts + " likely"},
		// Forms.
		"a bare flow":                           {strings.TrimSuffix(strings.TrimPrefix(tcp(web, carts, "40000", "8081", opening, ""), `{"flow":`), `,"node_name":"n1","time":"2026-11-02T10:00:00Z"}`), webToCarts + " certain"},
		"ports as text":                         {tcp(web, carts, `"40000"`, `"8081"`, opening, ""), webToCarts + " certain"},
		"the generic form":                      {`{"time":"2026-11-02T10:00:00Z","source":{"namespace":"shop","workload":{"kind":"Deployment","name":"web"}},"destination":{"namespace":"shop","workload":{"name":"carts"}},"protocol":"tcp","port":8081,"reply":false,"verdict":"forwarded","count":3}`, webToCarts + " certain"},
		"its shortest":                          {`{"source":{"ip":"10.0.0.5"},"destination":{"ip":"10.0.0.6"},"protocol":"TCP","port":8081}`, webToCarts + " likely"},
		"a verdict in a word that nobody knows": {`{"source":{"ip":"10.0.0.5"},"destination":{"ip":"10.0.0.6"},"protocol":"TCP","port":8081,"verdict":"thwarted"}`, "no verdict"},
		"the same in a column":                  {"source_ip,destination_ip,protocol,port,verdict\n10.0.0.5,10.0.0.6,TCP,8081,thwarted", "no verdict"},
		"an empty column of verdicts":           {"source_ip,destination_ip,protocol,port,verdict\n10.0.0.5,10.0.0.6,TCP,8081,", webToCarts + " likely"},
		"labels as an object":                   {`{"source":{"namespace":"shop","labels":{"app":"web"}},"destination":{"namespace":"shop","labels":{"app":"carts"}},"protocol":"TCP","port":8081}`, webToCarts + " likely"},
		"a name in the world":                   {`{"source":{"ip":"10.0.0.5"},"destination":{"ip":"198.51.100.9","names":["api.example.com"]},"protocol":"TCP","port":443}`, "Deployment shop/web -> api.example.com TCP/443 guessed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, stats := collect(t, world(t), tc.flow)
			if stats.Broken > 0 || stats.Flows != 1 {
				t.Fatalf("not read: %+v", stats)
			}
			if got := describe(&r); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestPodsOfGroupsThatTheInventoryLacks: files of one application have neither the
// name servers nor the gateway, and the environment says which pods those are.
func TestPodsOfGroupsThatTheInventoryLacks(t *testing.T) {
	t.Parallel()
	pods := func(label string) []generator.PodSet {
		return []generator.PodSet{{Namespace: "infra", Labels: map[string]string{"app": label}}}
	}
	infra := func(labels string) string {
		return `{"namespace":"infra","labels":[` + labels + `],"pod_name":"x-1-y","workloads":[{"name":"x","kind":"Deployment"}]}`
	}
	const server, proxy, scraper, both = `"k8s:app=server","k8s:tier=1"`, `"k8s:app=proxy"`, `"k8s:app=scraper"`, `"k8s:app=two"`
	for name, tc := range map[string]struct{ flow, want string }{
		"to a name server":                   {udp(web, infra(server), "40000", "5353", noReply), "Deployment shop/web -> dns any port certain"},
		"to a name server by its usual port": {udp(web, infra(server), "40000", "53", noReply), "Deployment shop/web -> dns any port certain"},
		"to the metrics of a name server":    {tcp(web, infra(server), "40000", "9153", opening, ""), "Deployment shop/web -> dns TCP/9153 certain"},
		"an answer of a name server":         {udp(infra(server), web, "5353", "40000", ""), "replies"},
		"a late answer of a name server":     {udp(infra(server), web, "5353", "40000", noReply), "replies"},
		"from the gateway":                   {tcp(infra(proxy), web, "40000", "8080", opening, ""), "gateway -> Deployment shop/web TCP/8080 certain"},
		"from the monitoring":                {tcp(infra(scraper), web, "40000", "8080", opening, ""), "monitoring -> Deployment shop/web TCP/8080 certain"},
		"of two groups":                      {tcp(infra(both), web, "40000", "8080", opening, ""), "an end is not known"},
		"of another namespace":               {tcp(strings.Replace(infra(proxy), "infra", "other", 1), web, "40000", "8080", opening, ""), "an end is not known"},
		"of none":                            {tcp(infra(`"k8s:app=else"`), web, "40000", "8080", opening, ""), "an end is not known"},
		"without labels":                     {tcp(infra(""), web, "40000", "8080", opening, ""), "an end is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := world(t)
			o.Environment.DNS.Pods = pods("server")
			o.Environment.Gateway.Pods = append(pods("proxy"), pods("two")...)
			o.Environment.Monitoring.Pods = append(pods("scraper"), pods("two")...)
			r, stats := collect(t, o, tc.flow)
			if stats.Broken > 0 || stats.Flows != 1 {
				t.Fatalf("not read: %+v", stats)
			}
			if got := describe(&r); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// describe returns the edges with their confidence, and the reasons for others.
func describe(r *Result) string {
	var words []string
	for _, e := range r.Edges {
		words = append(words, e.String()+" "+e.Confidence().String())
	}
	for reason, n := range r.Summary.Left {
		if n > 0 {
			words = append(words, Reason(reason).String())
		}
	}
	return strings.Join(words, "; ")
}

func TestAWishIsAnEdgeWhenAskedFor(t *testing.T) {
	t.Parallel()
	o := world(t)
	o.Wishes = true
	dropped := strings.Replace(tcp(web, carts, "40000", "8081", opening, ""), "FORWARDED", "DROPPED", 1)
	r, _ := collect(t, o, dropped, dropped, tcp(web, carts, "40000", "8081", opening, ""))
	if len(r.Edges) != 2 || r.Edges[0].Because[0].What != "seen" || r.Edges[1].Because[0].What != "tried and dropped" || r.Edges[1].Confidence() != generator.Guessed {
		t.Errorf("%+v", r.Edges)
	}
	answer := strings.Replace(tcp(carts, web, "8081", "40000", going, ""), "FORWARDED", "DROPPED", 1)
	if r, _ := collect(t, o, answer); len(r.Edges) != 0 {
		t.Errorf("%v of a reply that was dropped", r.Edges)
	}
}

func TestBothEndsReportOneConnection(t *testing.T) {
	t.Parallel()
	leaving := tcp(web, carts, "40000", "8081", opening, "")
	arriving := strings.NewReplacer("EGRESS", "INGRESS", "10:00:00", "10:00:03").Replace(leaving)
	unplaced := strings.Replace(leaving, "EGRESS", "TRAFFIC_DIRECTION_UNKNOWN", 1)
	for name, tc := range map[string]struct {
		lines []string
		want  uint64
	}{
		"each once":           {[]string{leaving, arriving}, 1},
		"one of them twice":   {[]string{leaving, arriving, arriving}, 2},
		"one end alone":       {[]string{leaving, leaving, leaving}, 3},
		"without a direction": {[]string{unplaced, unplaced, leaving, arriving}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := collect(t, world(t), tc.lines...)
			if len(r.Edges) != 1 || r.Edges[0].Because[0].Flows != tc.want {
				t.Errorf("%+v", r.Edges)
			}
		})
	}
}

func TestEvidenceSaysWhen(t *testing.T) {
	t.Parallel()
	o := world(t)
	o.Keep = 24 * time.Hour
	line := tcp(web, carts, "40000", "8081", opening, "")
	r, _ := collect(t, o, strings.ReplaceAll(line, "10:00:00", "10:00:07"), strings.ReplaceAll(line, "10:00:00", "09:59:58"),
		strings.ReplaceAll(line, "2026-11-02T10:00:00Z", "no time"), line)
	first := time.Date(2026, 11, 2, 9, 59, 58, 0, time.UTC)
	want := []generator.Evidence{{
		Source: generator.Flow, Confidence: generator.Certain, Where: "flows.json", What: "seen", Flows: 4,
		First: first, Last: first.Add(9 * time.Second), Expires: first.Add(24*time.Hour + 9*time.Second),
	}}
	if d := cmp.Diff(want, r.Edges[0].Because, cmpopts.EquateComparable(generator.Requests{})); d != "" {
		t.Error(d)
	}
	if r.Window.Timeless != 1 || r.Window.Length() != 9*time.Second {
		t.Errorf("%+v", r.Window)
	}
}

// TestBuildTakesTheEdges: the port of a Service becomes that of the pods, and
// nothing that was learnt is refused.
func TestBuildTakesTheEdges(t *testing.T) {
	t.Parallel()
	o := world(t)
	r, _ := collect(t, o, at("10.96.0.7", tcp(web, outside, "40000", "80", opening, "")), tcp(web, carts, "40000", "8081", opening, ""),
		udp(web, dns, "40000", "5353", noReply), at("10.96.0.1", tcp(web, outside, "40000", "443", opening, "")), tcp(host, web, "40000", "8080", opening, ""),
		at("198.51.100.9", tcp(web, outside, "40000", "443", opening, "")))
	m, problems := generator.Build(generator.Input{Inventory: o.Inventory, Universe: o.Universe, Environment: o.Environment, Edges: r.Edges})
	for _, p := range problems {
		t.Errorf("%s", p)
	}
	var got []string
	for _, e := range m.Edges {
		got = append(got, e.String())
	}
	want := []string{
		"Deployment shop/web -> Deployment shop/carts TCP/8081", "Deployment shop/web -> 198.51.100.9/32 TCP/443", "Deployment shop/web -> dns TCP/5353",
		"Deployment shop/web -> dns UDP/5353", "Deployment shop/web -> api-server TCP/6443", "nodes -> Deployment shop/web TCP/8080",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("edges (want -, got +):\n%s", d)
	}
}

func TestTheMetadataServiceIsAProblemAndNamesWhoAsked(t *testing.T) {
	t.Parallel()
	r, _ := collect(t, world(t), at("169.254.169.254", tcp(web, outside, "40000", "80", opening, "")))
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "Deployment shop/web -> 169.254.169.254/32 TCP/80") {
		t.Errorf("%v", r.Problems)
	}
}

func TestWhatIsLeftOutIsNamed(t *testing.T) {
	t.Parallel()
	gone := tcp(`{"namespace":"gone","pod_name":"x-1"}`, carts, "40000", "8081", opening, "")
	icmp := strings.Replace(tcp(web, carts, "0", "0", "", ""), `"TCP"`, `"ICMPv4"`, 1)
	full := dropped(`,"drop_reason_desc":"CT_MAP_INSERTION_FAILED"`)
	r, _ := collect(t, world(t), gone, icmp, gone, tcp(web, carts, "9000", "9001", going, ""), full, dropped(`,"drop_reason":139`), full)
	var got []string
	for _, n := range r.Notes {
		got = append(got, n.String())
	}
	want := []string{
		"nothing tells which end opened the connection: Deployment shop/web port 9000 and Deployment shop/carts port 9001 over TCP (1 flow)",
		"an end is not known: pod gone/x-1, whose namespace is not known (2 flows)", "neither TCP, UDP nor SCTP: ICMPv4 (1 flow)",
		"dropped, but by no policy: CT_MAP_INSERTION_FAILED (2 flows)", "dropped, but by no policy: reason 139 (1 flow)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("notes (want -, got +):\n%s", d)
	}
	if d := cmp.Diff(map[string]uint64{"gone": 2, "shop": 7}, r.Namespaces); d != "" {
		t.Errorf("namespaces (want -, got +):\n%s", d)
	}
	if r.Summary.Sum() != 7 || r.Summary.Flows != 7 {
		t.Errorf("%+v", r.Summary)
	}
	for reason := Reply; reason < reasons; reason++ {
		if reason.String() == "no reason" {
			t.Errorf("reason %d has no words", reason)
		}
	}
}

// TestNamesAreBounded: what an attacker can invent, names of pods, is not kept
// without bound.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	c := NewCollector(world(t))
	for i := range 3 * maxNotes {
		f := Flow{Verdict: Forwarded, Protocol: generator.TCP, DestinationPort: 1, Opens: true}
		f.Source = Endpoint{Namespace: "gone", Pod: fmt.Sprintf("x-%d", i)}
		f.Destination = Endpoint{Namespace: "shop", Pod: "web-5d4f-abcde"}
		if err := c.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	if r := c.Result(); len(r.Notes) != maxNotes+1 || r.Notes[0].What != "" || r.Notes[0].Flows != 2*maxNotes {
		t.Errorf("%d notes, the first %+v", len(r.Notes), r.Notes[0])
	}
}

func TestTooManyEdgesAreRefused(t *testing.T) {
	t.Parallel()
	o := world(t)
	o.MaxEdges = 2
	c := NewCollector(o)
	var r Reader
	line := func(port string) string { return tcp(web, carts, "40000", port, opening, "") + "\n" }
	if err := r.Each(strings.NewReader(line("1")+line("2")+line("1")), c.Add); err != nil {
		t.Fatal(err)
	}
	err := r.Each(strings.NewReader(line("3")+line("1")), c.Add)
	if !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	if again := r.Each(strings.NewReader(line("1")), c.Add); !errors.Is(again, ErrTooMany) {
		t.Errorf("got %v afterwards", again)
	}
}
