// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALineIsOneObjectOfJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 6, 0, 0, 120_000_000, time.FixedZone("", 3600))
	numbers := `,"status":0,"received":0,"sent":0,"seconds":0,"backendSeconds":0}` + "\n"
	for name, tc := range map[string]struct {
		record Record
		client string
		want   string
	}{
		"nothing but a time": {Record{Time: at}, "", `{"time":"2026-11-23T06:00:00.12+01:00"` + numbers},
		"all there is": {
			Record{
				Time: at, ID: "1", Trace: "2", Listener: "3", Protocol: "4", Scheme: "5", Method: "6", Host: "7", Path: "8", Query: "9", Header: []string{"a", "10", "b", "11"},
				Route: "12", Backend: "13", Principal: "14", By: "15", Status: 200, Policy: "16", Rule: "17", Shadow: "18", Reason: "19",
				Received: 1 << 40, Sent: 20, Total: 1500 * time.Millisecond, Upstream: 300 * time.Nanosecond,
			},
			"21",
			`{"time":"2026-11-23T06:00:00.12+01:00","id":"1","trace":"2","listener":"3","client":"21","protocol":"4","scheme":"5","method":"6","host":"7","path":"8","query":"9",` +
				`"header.a":"10","header.b":"11","route":"12","backend":"13","principal":"14","by":"15","status":200,"policy":"16","rule":"17","shadow":"18","reason":"19",` +
				`"received":1099511627776,"sent":20,"seconds":1.5,"backendSeconds":0.0000003}` + "\n",
		},
		"what would end a string":     {Record{Time: at, Path: `/a","reason":"b`}, "", `{"time":"2026-11-23T06:00:00.12+01:00","path":"/a\",\"reason\":\"b"` + numbers},
		"a backslash":                 {Record{Time: at, Path: `/\`}, "", `{"time":"2026-11-23T06:00:00.12+01:00","path":"/\\"` + numbers},
		"what would end a line":       {Record{Time: at, Path: "/\r\n{}"}, "", `{"time":"2026-11-23T06:00:00.12+01:00","path":"/\r\n{}"` + numbers},
		"what a terminal would obey":  {Record{Time: at, Path: "/\x1b[2J"}, "", `{"time":"2026-11-23T06:00:00.12+01:00","path":"/\u001b[2J"` + numbers},
		"bytes that are no UTF-8":     {Record{Time: at, Path: "/\xff"}, "", `{"time":"2026-11-23T06:00:00.12+01:00","path":"/\ufffd"` + numbers},
		"letters that are not ASCII":  {Record{Time: at, Path: "/ü"}, "", `{"time":"2026-11-23T06:00:00.12+01:00","path":"/ü"` + numbers},
		"the name of a line, as well": {Record{Time: at, Header: []string{`a"`, "1"}}, "", `{"time":"2026-11-23T06:00:00.12+01:00","header.a\"":"1"` + numbers},
	} {
		var l line
		l.record(&tc.record, tc.client)
		if diff := cmp.Diff(tc.want, string(l.b)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !json.Valid(l.b) {
			t.Errorf("%s: it is no JSON: %s", name, l.b)
		}
	}
}

// FuzzLine: whatever is told, a line is one object, and says what was told.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{"", "/orders", `"`, `\`, "\n", "\x00", "\x7f", "\xff\xfe", "\u2028", "ü", "<&>", `\u0022`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var l line
		l.record(&Record{Path: s, Reason: "r", Header: []string{s, s}}, s)
		if bytes.Count(l.b, []byte("\n")) != 1 || l.b[len(l.b)-1] != '\n' {
			t.Fatalf("it is not one line: %q", l.b)
		}
		var got map[string]any
		if err := json.Unmarshal(l.b, &got); err != nil {
			t.Fatalf("%q: %v", l.b, err)
		}
		want, err := json.Marshal(s) // what is no UTF-8 is replaced
		if err != nil {
			t.Fatal(err)
		}
		var told string
		if err := json.Unmarshal(want, &told); err != nil {
			t.Fatal(err)
		}
		if s != "" && (got["path"] != told || got["client"] != told || got["header."+told] != told) || s == "" && len(got) != 7 || got["reason"] != "r" {
			t.Fatalf("%q became %v", s, got)
		}
	})
}

// TestLinesHaveNothingOfEachOther: what is kept for the next line, or the next hash, is
// begun anew.
func TestLinesHaveNothingOfEachOther(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := NewLog(&out, func(int) {}, func(error) {})
	h := NewHasher([]byte("0123456789abcdef"))
	const writers, each = 8, 200
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for k := range each {
				word := strings.Repeat(fmt.Sprintf("%d-%d;", i, k), 1+(i+k)%7)
				r := Record{Path: word, Principal: h.Hash(word, "", word), Status: i}
				if k%2 == 0 {
					r.Reason = word
				}
				l.Record(&r, word)
			}
		})
	}
	all.Wait()
	l.Close()
	n := 0
	for text := range bytes.Lines(out.Bytes()) {
		var got struct{ Path, Client, Reason, Principal string }
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got.Client != got.Path || got.Reason != "" && got.Reason != got.Path || got.Principal != h.Hash(got.Path, "", got.Path) {
			t.Errorf("it is mixed: %s", text)
		}
		n++
	}
	if n != writers*each {
		t.Errorf("%d lines, want %d", n, writers*each)
	}
}
