// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
)

const csvHeader = "time,source_namespace,source_kind,source_name,source_labels,source_ip,source_port,destination_pod,destination_namespace,destination_domain,destination_ip,protocol,port,direction,reply,verdict,count\n"

func TestARecordIsALine(t *testing.T) {
	t.Parallel()
	in := csvHeader +
		"2026-11-02T10:00:00Z,shop,Deployment,web,app=web;tier=front,10.0.0.5,40000,web-1,bank,\"a.example;b.example\",198.51.100.9,udp,53,egress,false,dropped,12\n" +
		"\"a quotation without an end,,,,,,,,,,,,,,,,\n" +
		"1,2,3\n" +
		"\n" +
		"1793613600.5,,,,,10.0.0.5,,,,,not an address,icmp,99999,sideways,perhaps,,\r\n"
	var got []Flow
	var r Reader
	if err := r.Each(strings.NewReader(in), func(f *Flow) error {
		own := *f
		own.Source.Workloads, own.Source.Labels, own.Names = append([]WorkloadName(nil), f.Source.Workloads...), append([]Label(nil), f.Source.Labels...), append([]string(nil), f.Names...)
		own.Destination.Workloads, own.Destination.Labels = nil, nil
		got = append(got, own)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	want := []Flow{
		{
			Time: at, Verdict: Dropped, Protocol: generator.UDP, SourcePort: 40000, DestinationPort: 53, Direction: Egress, Reply: No, Count: 12, Names: []string{"a.example", "b.example"},
			Source:      Endpoint{Namespace: "shop", Workloads: []WorkloadName{{"Deployment", "web"}}, Labels: []Label{{"app", "web"}, {"tier", "front"}}, Address: addr("10.0.0.5")},
			Destination: Endpoint{Namespace: "bank", Pod: "web-1", Address: addr("198.51.100.9")},
		},
		{Time: time.Unix(1793613600, 5e8).UTC(), Verdict: Forwarded, Other: "icmp", Source: Endpoint{Address: addr("10.0.0.5")}},
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmp.Comparer(sameAddr)); d != "" {
		t.Errorf("flows (want -, got +):\n%s", d)
	}
	if r.Stats.Lines != 5 || r.Stats.Broken != 2 || r.Stats.Faults[0].Line != 3 || r.Stats.Faults[1].Line != 4 || r.Stats.Flows != 2 {
		t.Errorf("%+v", r.Stats)
	}
}

func TestAFirstLineThatNamesNothingIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, says string }{
		"another column":             {"time,packets\n", `no column is named "packets"; there are count, destination_domain, `},
		"a column twice":             {"port,port\n", `column "port" stands there twice`},
		"text":                       {"hello\n" + tcp(web, carts, "1", "2", "", ""), `no column is named "hello"`},
		"a JSON array":               {"[{}]\n", `no column is named "[{}]"`},
		"a quotation without an end": {"\"port\n", "byte "},
	} {
		var r Reader
		err := r.Each(strings.NewReader(c.in), func(*Flow) error { return nil })
		if !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "line 1") || r.Stats.Flows > 0 {
			t.Errorf("%s: %v, %d flows", name, err, r.Stats.Flows)
		}
	}
}

func TestBrokenLinesAreCountedAndNamed(t *testing.T) {
	t.Parallel()
	line := tcp(web, carts, "40000", "8081", opening, "")
	_, stats := collect(t, world(t), line, line[:200], `{"kind":"Pod"}`, "not json", line+"x", `{"flow":null}`, `{"flow":7}`, "{", "7",
		`{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"41"},"node_name":"n1"}`, `{"lost_events":{}}`,
		`{"node_status":{"state_change":"NODE_CONNECTED"}}`, `{"source":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+"}", line)
	if stats.Lines != 14 || stats.Broken != 9 || stats.Flows != 2 || stats.Lost != 42 || stats.Messages != 1 {
		t.Errorf("%+v", stats)
	}
	if got := stats.Faults[0].String(); !strings.HasPrefix(got, "line 2: byte ") {
		t.Errorf("%s", got)
	}
}

func TestAVisitorEndsTheReading(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	line := tcp(web, carts, "40000", "8081", opening, "") + "\n"
	var visited int
	var r Reader
	endless := &repeat{text: []byte(line)}
	err := r.Each(endless, func(*Flow) error {
		visited++
		if visited == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || visited != 3 {
		t.Errorf("%v after %d", err, visited)
	}
}

// repeat is an input that says the same again and again, up to a limit if there
// is one.
type repeat struct {
	text []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func TestGzipIsRead(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprintln(w, tcp(web, carts, "40000", "8081", opening, ""))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c := NewCollector(world(t))
	var r Reader
	if err := r.Each(bytes.NewReader(zipped.Bytes()), c.Add); err != nil || len(c.Result().Edges) != 1 {
		t.Errorf("%v %+v", err, c.Result())
	}
	if err := r.Each(bytes.NewReader(zipped.Bytes()[:zipped.Len()-3]), c.Add); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("what was cut: %v", err)
	}
	if n := len(c.Result().Edges); n != 1 {
		t.Errorf("%d edges are left", n)
	}
}

// TestMemoryIsBounded reads 200,000 flows, some 250 MB, of ever new pods,
// addresses and labels that lead to few connections.
func TestMemoryIsBounded(t *testing.T) {
	before := heap()
	in, out := io.Pipe()
	go func() {
		line := tcp(web, carts, "40000", "8081", opening, "")
		for i := range 200_000 {
			text := line
			switch i % 3 {
			case 0:
				text = strings.Replace(text, "web-5d4f-abcde", fmt.Sprintf("web-5d4f-%d", i), 1)
			case 1:
				text = strings.NewReplacer("app=web", fmt.Sprintf("app=web\",\"k8s:run=%d", i), `"pod_name":"web-5d4f-abcde"`, fmt.Sprintf(`"pod_name":"other-%d"`, i), `"name":"web"`, `"name":"other"`).Replace(text)
			}
			if _, err := io.WriteString(out, text+"\n"); err != nil {
				return
			}
		}
		out.Close()
	}()
	c := NewCollector(world(t))
	var r Reader
	if err := r.Each(in, c.Add); err != nil {
		t.Fatal(err)
	}
	if r.Stats.Flows != 200_000 || r.Stats.Bytes < 100<<20 {
		t.Fatalf("%+v", r.Stats)
	}
	after := heap()
	t.Logf("%d MiB read, the heap grew by %d KiB", r.Stats.Bytes>>20, (int64(after)-int64(before))>>10)
	if limit := uint64(48 << 20); after > before+limit {
		t.Errorf("the heap grew by %d MiB", (after-before)>>20)
	}
	runtime.KeepAlive(c)
	runtime.KeepAlive(&r)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAnEdgeIsSmall: the bound of a collection is worth what an edge weighs. Each
// edge here has an address of its own, which weighs more than the edge.
func TestAnEdgeIsSmall(t *testing.T) {
	const n = 100_000
	c := NewCollector(world(t))
	before := heap()
	for i := range n {
		f := Flow{Verdict: Forwarded, Protocol: generator.TCP, DestinationPort: 443, Opens: true}
		f.Source = Endpoint{Namespace: "shop", Pod: "web-5d4f-abcde"}
		f.Destination.Address = netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
		if err := c.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	weight := (heap() - before) / n
	t.Logf("%d bytes an edge", weight)
	if len(c.tallies) != n || weight > 900 {
		t.Errorf("%d edges of %d bytes", len(c.tallies), weight)
	}
	runtime.KeepAlive(c)
}
