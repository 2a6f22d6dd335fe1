// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/lines"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func file() []byte {
	return []byte("# keys\n\nci:" + hashed("open") + " scope=orders.read scope=orders.write tenant=acme expires=2026-11-22T09:00:01Z\r\nurn:x:old:" + strings.ToUpper(hashed("former")) + "\texpires=2026-11-22T09:00:00Z\n")
}

func TestWhoHasAKey(t *testing.T) {
	t.Parallel()
	entries, err := Parse(file())
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Name: "keys", Header: "x-api-key", Entries: entries})
	for name, tc := range map[string]struct {
		header http.Header
		want   auth.Answer
	}{
		"a key":                   {http.Header{"X-Api-Key": {"open"}}, auth.Answer{Verdict: auth.Valid, Principal: &auth.Principal{By: "keys", Subject: "ci", Scopes: []string{"orders.read", "orders.write"}, Claims: map[string]any{"tenant": "acme"}, Expires: now.Add(time.Second)}}},
		"none":                    {http.Header{"X-Other": {"open"}}, auth.Answer{Verdict: auth.Absent, Reason: NoKey}},
		"another one":             {http.Header{"X-Api-Key": {"Open"}}, auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}},
		"one with something more": {http.Header{"X-Api-Key": {"open "}}, auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}},
		"nothing":                 {http.Header{"X-Api-Key": {""}}, auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}},
		"the sum of a key":        {http.Header{"X-Api-Key": {hashed("open")}}, auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}},
		"a very long one":         {http.Header{"X-Api-Key": {strings.Repeat("a", maxKey+1)}}, auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}},
		"two keys":                {http.Header{"X-Api-Key": {"open", "open"}}, auth.Answer{Verdict: auth.Invalid, Reason: DoubleKey}},
		"one that is no more":     {http.Header{"X-Api-Key": {"former"}}, auth.Answer{Verdict: auth.Invalid, Reason: ExpiredKey}},
	} {
		got := a.Authenticate(t.Context(), &auth.Request{Form: &request.Form{Header: tc.header}, Now: now})
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWithoutKeysNobodyIsKnown(t *testing.T) {
	t.Parallel()
	a := New(Options{Name: "keys", Header: "X-API-Key"})
	for value, want := range map[string]auth.Verdict{"x": auth.Unavailable, "": auth.Unavailable} {
		if got := a.Authenticate(t.Context(), &auth.Request{Form: &request.Form{Header: http.Header{"X-Api-Key": {value}}}}); got.Verdict != want || got.Reason != NoKeys {
			t.Errorf("%q: got %+v", value, got)
		}
	}
	if got := a.Authenticate(t.Context(), &auth.Request{Form: &request.Form{}}); got.Verdict != auth.Absent {
		t.Errorf("no key: got %+v", got)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	ok := "a:" + hashed("a")
	for text, want := range map[string]string{
		"":                                     "line 1: there is no entry",
		"# nothing\n\n":                        "line 2: there is no entry",
		"a":                                    "line 1: it is not NAME:SHA256",
		"\n\na:secret":                         "line 3: the part after the last colon is no SHA-256",
		ok + "00":                              "no SHA-256 of 64",
		":" + hashed("a"):                      "the name before the colon",
		"a:" + hashed(""):                      "it is the SHA-256 of nothing",
		ok + "\na:" + hashed("b"):              "line 2: its name is that of line 1",
		ok + "\nb:" + hashed("a"):              "line 2: its key is that of line 1",
		ok + " scope":                          "an attribute is not NAME=VALUE",
		ok + " scope=":                         "an attribute is not NAME=VALUE",
		ok + " expires=tomorrow":               "expires is no time such as",
		ok + " t=1 t=2":                        "an attribute is there twice",
		ok + strings.Repeat(" scope=a", 33):    "there are more than 32 attributes",
		strings.Repeat("a", 257) + ok:          "the name before the colon",
		ok + " t=" + strings.Repeat("a", 4096): "it has more than 4096 bytes",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, new(lines.Error)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: what is read is in bounds, and is read again from what it says.
func FuzzParse(f *testing.F) {
	f.Add(file())
	f.Add([]byte("a:b:" + hashed("x") + " a=b=c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Parse(data)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, e := range entries {
			fmt.Fprintf(&again, "%s:%x", e.ID, e.Sum)
			for _, s := range e.Scopes {
				fmt.Fprintf(&again, " scope=%s", s)
			}
			if !e.Expires.IsZero() {
				fmt.Fprintf(&again, " expires=%s", e.Expires.Format(time.RFC3339Nano))
			}
			for k, v := range e.Claims {
				fmt.Fprintf(&again, " %s=%s", k, v)
			}
			again.WriteByte('\n')
		}
		second, err := Parse([]byte(again.String()))
		if err != nil || !cmp.Equal(entries, second, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })) {
			t.Fatalf("%s\n%v\n%s", again.String(), err, cmp.Diff(entries, second))
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	entries := make([]Entry, 10_000)
	for i := range entries {
		entries[i] = Entry{ID: fmt.Sprint(i), Sum: sha256.Sum256(fmt.Append(nil, i))}
	}
	a := New(Options{Name: "keys", Header: "X-API-Key", Entries: entries})
	r := &auth.Request{Form: &request.Form{Header: http.Header{"X-Api-Key": {"4711"}}}, Now: now}
	b.ReportAllocs()
	for b.Loop() {
		if got := a.Authenticate(b.Context(), r); got.Verdict != auth.Valid {
			b.Fatal(got)
		}
	}
}
