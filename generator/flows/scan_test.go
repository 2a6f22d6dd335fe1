// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func addr(text string) netip.Addr   { return netip.MustParseAddr(text) }
func sameAddr(a, b netip.Addr) bool { return a == b }

// strs returns every string and every name of a text, as the scanner reads them.
func strs(data []byte) (out []string, err error) {
	var s scanner
	var value func()
	value = func() {
		switch s.next() {
		case '"':
			out = append(out, string(s.str()))
		case '{':
			s.object(func(name []byte) {
				out = append(out, string(name))
				value()
			})
		case '[':
			s.array(value)
		default:
			s.skip()
		}
	}
	s.start(data)
	value()
	return out, s.ended()
}

// oracle does the same with encoding/json.
func oracle(data []byte) (out []string, ok bool) {
	if !json.Valid(data) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return out, true
		}
		if text, is := token.(string); is {
			out = append(out, text)
		}
	}
}

var texts = []string{
	`{"a":"b","c":[1,-2.5e+3,true,false,null,{}],"d":{"e":[]}}`, ` "x" `, `"é\n\ud83d\ude00\ud800\ud800\u0041\/"`, "\"\xff\"", `01`, `-`, `1.`, `1e`, `tru`, `nulls`,
	`{"a":1,}`, `[1,]`, `[1 2]`, `{"a" 1}`, `{a:1}`, `"a`, "\"a\nb\"", `"\x"`, `"\u12"`, `"\u12g4"`, ``, `1 2`, `[[[[]]]]`, `{"":""}`, `"\`, `"\ud800\u12"`, `-0`, `[`, `{`, `{"a"`, `{"a":`, "\x00", "1\x00",
}

func compare(t *testing.T, data []byte) {
	t.Helper()
	got, err := strs(data)
	want, ok := oracle(data)
	if ok != (err == nil) {
		t.Fatalf("%q: %v, while encoding/json says %v", data, err, ok)
	}
	if !ok {
		return
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %q, not %q", data, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%q: %q, not %q", data, got[i], want[i])
		}
	}
}

func TestTheScannerReadsWhatEncodingJSONReads(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		compare(t, []byte(text))
	}
}

// TestEveryByteIsJudgedAtEveryPlace: strings are read eight bytes at once.
func TestEveryByteIsJudgedAtEveryPlace(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for before := range 9 {
			for _, after := range []string{"", "n", "n!\x01\"", "nopqrstuvwxyz"} {
				compare(t, []byte(`"`+strings.Repeat("!", before)+string([]byte{byte(c)})+after+`"`))
			}
		}
	}
}

func TestNestingIsBoundedAsInEncodingJSON(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]error{maxDepth: nil, maxDepth + 1: errDeep} {
		for _, text := range []string{strings.Repeat("[", depth) + strings.Repeat("]", depth), strings.Repeat(`{"":`, depth) + "0" + strings.Repeat("}", depth)} {
			compare(t, []byte(text))
			var s scanner
			s.start([]byte(text))
			if s.skip(); !errors.Is(s.ended(), want) {
				t.Errorf("%d deep: %v, not %v", depth, s.err, want)
			}
		}
	}
}

func TestAFaultNamesItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,}`: "byte 8: no name of a field begins here",
		`{"a" 1}`:  "byte 6: no colon follows the name",
		`[1 2]`:    "byte 4: neither a comma nor the end follows the value",
		`[1,]`:     "byte 4: no value begins here",
		"\"a\nb\"": "byte 3: a control character stands in a string",
		`"\x"`:     "byte 3: no such escape is known",
		`-a`:       "byte 2: a digit is missing",
		`[trve]`:   "byte 2: is neither true, false nor null",
		`[true`:    "byte 6: ends early",
		`"\u00`:    "byte 6: ends early",
		`{} {}`:    "byte 4: something follows the value",
	} {
		if _, err := strs([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, not %s", text, err, want)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(compare)
}

// FuzzFlows feeds anything to the reader of every form and to the collection.
func FuzzFlows(f *testing.F) {
	f.Add([]byte(tcp(web, carts, "40000", "8081", opening, noReply)))
	f.Add([]byte(csvHeader + "2026-11-02T10:00:00Z,shop,Deployment,web,app=web,10.0.0.5,40000,,,a.example,198.51.100.9,udp,53,egress,false,dropped,12\n"))
	f.Add([]byte(`{"source":{"ip":"fe80::1%eth0"},"destination":{"ip":"::"},"protocol":"UDP","port":-1,"count":1e9,"time":1e300}`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	o := world(f)
	o.MaxEdges = 50
	f.Fuzz(func(t *testing.T, data []byte) {
		c := NewCollector(o)
		var r Reader
		_ = r.Each(bytes.NewReader(data), c.Add) // an error or nothing; it must return
		result := c.Result()
		for _, e := range result.Edges {
			if err := errors.Join(e.From.Validate(), e.To.Validate()); err != nil {
				t.Error(err)
			}
			if e.Port.First != 0 {
				if err := e.Port.Validate(); err != nil {
					t.Error(err)
				}
			}
			if len(e.Because) != 1 || e.Because[0].Flows == 0 {
				t.Errorf("%+v", e)
			}
		}
		if r.Stats.Broken > r.Stats.Lines || r.Stats.Flows > uint64(r.Stats.Lines) {
			t.Errorf("%+v", r.Stats)
		}
	})
}
