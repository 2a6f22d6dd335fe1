// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realistic is a recording of flows as `hubble observe -o jsonpb` writes them:
// with labels, MAC addresses, node labels and policies, of 1.2 to 1.8 KB.
func realistic(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		labels := func(app string) string {
			return fmt.Sprintf(`["k8s:app=%s","k8s:app.kubernetes.io/instance=shop","k8s:app.kubernetes.io/part-of=shop","k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop",`+
				`"k8s:io.cilium.k8s.policy.cluster=default","k8s:io.cilium.k8s.policy.serviceaccount=%s","k8s:io.kubernetes.pod.namespace=shop"]`, app, app)
		}
		from, to := "web", "carts"
		reply, sport, dport, flags := "false", 32768+i%28000, 8081, `"SYN":true`
		if i%2 == 1 {
			from, to, reply, sport, dport, flags = to, from, "true", dport, sport, `"SYN":true,"ACK":true`
		}
		policies := ""
		if i%3 == 0 {
			policies = `,"egress_allowed_by":[{"name":"web","namespace":"shop","labels":["k8s:io.cilium.k8s.policy.derived-from=NetworkPolicy","k8s:io.cilium.k8s.policy.name=web"],"revision":"12","kind":"NetworkPolicy"}]`
		}
		fmt.Fprintf(&b, `{"flow":{"time":"2026-11-02T10:%02d:%02d.%09dZ","uuid":"0d6a5a34-6d5b-4d0e-9a0b-%012d","verdict":"FORWARDED","ethernet":{"source":"5a:5d:4e:%02x:00:01","destination":"0e:11:22:33:44:55"},`+
			`"IP":{"source":"10.0.%d.5","destination":"10.0.%d.6","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":%d,"destination_port":%d,"flags":{%s}}},`+
			`"source":{"ID":%d,"identity":%d,"cluster_name":"default","namespace":"shop","labels":%s,"pod_name":"%s-5d4f-%05d","workloads":[{"name":"%s","kind":"Deployment"}]},`+
			`"destination":{"ID":%d,"identity":%d,"cluster_name":"default","namespace":"shop","labels":%s,"pod_name":"%s-5d4f-%05d","workloads":[{"name":"%s","kind":"Deployment"}]},`+
			`"Type":"L3_L4","node_name":"default/worker-%d","node_labels":["kubernetes.io/arch=amd64","kubernetes.io/os=linux"],"event_type":{"type":4,"sub_type":3},"traffic_direction":"EGRESS","trace_observation_point":"TO_ENDPOINT",`+
			`"trace_reason":"NEW","is_reply":%s,"interface":{"index":12,"name":"lxc%08x"}%s,"Summary":"TCP Flags: SYN"},"node_name":"default/worker-%d","time":"2026-11-02T10:00:00Z"}`+"\n",
			i/60%60, i%60, i%1e9, i, i%256, i%4, i%4, sport, dport, flags, 100+i%40, 4711+i%50, labels(from), from, i%300, from, 200+i%40, 4800+i%50, labels(to), to, i%300, to, i%9, reply, i, policies, i%9)
	}
	return b.Bytes()
}

func TestTheRecordingOfTheBenchmarkIsReadInFull(t *testing.T) {
	t.Parallel()
	const n = 600
	text := realistic(n)
	if size := len(text) / n; size < 1200 || size > 1800 {
		t.Errorf("%d bytes a flow", size)
	}
	r, stats := collect(t, world(t), strings.Split(strings.TrimSpace(string(text)), "\n")...)
	if stats.Flows != n || stats.Broken > 0 || len(r.Edges) != 1 || r.Edges[0].Because[0].Flows != n/2 || r.Summary.Left[Reply] != n/2 {
		t.Errorf("%+v %+v", stats, r.Edges)
	}
}

// BenchmarkFlows reads a recording of 20,000 flows and collects its edges.
func BenchmarkFlows(b *testing.B) {
	const n = 20000
	text := realistic(n)
	o := world(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		c := NewCollector(o)
		var r Reader
		if err := r.Each(bytes.NewReader(text), c.Add); err != nil || r.Stats.Flows != n {
			b.Fatal(err, r.Stats)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/(cpu(b)-before).Seconds(), "flows/cpu-s")
}

// cpu is what the process has used: on a machine with other work the clock says
// little.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
