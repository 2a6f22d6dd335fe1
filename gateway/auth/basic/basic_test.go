// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/lines"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// ann is "ann" with the password "hush", as htpasswd -nbB -C 10 writes it.
var ann = sync.OnceValue(func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte("hush"), minCost)
	if err != nil {
		return err.Error()
	}
	return "ann:$2y$" + string(hash[4:])
})

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func authenticator(t testing.TB) *Authenticator {
	t.Helper()
	users, err := Parse([]byte("# users\n" + ann() + "\r\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New("people", users, NewChecks())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func asked(lines ...string) *auth.Request {
	h := http.Header{}
	if len(lines) > 0 {
		h["Authorization"] = lines
	}
	return &auth.Request{Form: &request.Form{Header: h}, Now: now}
}

func encoded(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

func TestWhoHasAPassword(t *testing.T) {
	t.Parallel()
	a := authenticator(t)
	checks := 0
	compare := a.compare
	a.compare = func(hash, password []byte) error { checks++; return compare(hash, password) }
	valid := auth.Answer{Verdict: auth.Valid, Principal: &auth.Principal{By: "people", Subject: "ann"}}
	wrong, bad := auth.Answer{Verdict: auth.Invalid, Reason: WrongPassword}, auth.Answer{Verdict: auth.Invalid, Reason: BadBasic}
	absent := auth.Answer{Verdict: auth.Absent, Reason: NoPassword}
	for _, tc := range []struct {
		name   string
		lines  []string
		want   auth.Answer
		checks int
	}{
		{"none", nil, absent, 0},
		{"another scheme", []string{"Bearer abc"}, absent, 0},
		{"a wrong password", []string{encoded("ann:Hush")}, wrong, 1},
		{"nobody of that name", []string{encoded("bob:hush")}, wrong, 2},
		{"the password of nobody", []string{encoded("bob:nobody")}, wrong, 3},
		{"a password", []string{encoded("ann:hush")}, valid, 4},
		{"once more, which is remembered", []string{encoded("ann:hush")}, valid, 4},
		{"in lower case, with spaces", []string{"basic   " + encoded("ann:hush")[6:]}, valid, 4},
		{"a wrong one after that", []string{encoded("ann:hush ")}, wrong, 5},
		{"one that is longer than bcrypt looks", []string{encoded("ann:hush" + strings.Repeat("x", maxPassword))}, bad, 5},
		{"no base64", []string{"Basic !"}, bad, 5},
		{"no padding", []string{strings.TrimRight(encoded("ann:hush"), "=")}, bad, 5},
		{"no colon", []string{encoded("ann")}, bad, 5},
		{"no name", []string{encoded(":hush")}, bad, 5},
		{"a line break", []string{encoded("ann:hush\n")}, bad, 5},
		{"nothing", []string{"Basic"}, bad, 5},
		{"two lines", []string{encoded("ann:hush"), encoded("ann:hush")}, bad, 5},
		{"a very long line", []string{"Basic " + strings.Repeat("YWFh", 1000)}, bad, 5},
	} {
		got := a.Authenticate(t.Context(), asked(tc.lines...))
		if diff := cmp.Diff(tc.want, got); diff != "" || checks != tc.checks {
			t.Errorf("%s: %d checks, want %d: %s", tc.name, checks, tc.checks, diff)
		}
	}
	at := now
	for _, tc := range []struct {
		after  time.Duration
		checks int
	}{{cachedFor - time.Second, 5}, {cachedFor - time.Second, 5}, {cachedFor, 6}} {
		later := asked(encoded("ann:hush"))
		at = at.Add(tc.after)
		later.Now = at
		if got := a.Authenticate(t.Context(), later); got.Verdict != auth.Valid || checks != tc.checks {
			t.Errorf("%s after it was used: %+v, %d checks", tc.after, got, checks)
		}
	}
}

func TestWithoutUsersNobodyIsKnown(t *testing.T) {
	t.Parallel()
	a, err := New("people", nil, NewChecks())
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Authenticate(t.Context(), asked(encoded("a:b"))); got.Verdict != auth.Unavailable || got.Reason != NoUsers {
		t.Errorf("got %+v", got)
	}
	if got := a.Authenticate(t.Context(), asked()); got.Verdict != auth.Absent {
		t.Errorf("got %+v", got)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	ok := ann()
	for text, want := range map[string]string{
		"":                                      "line 1: there is no entry",
		"ann":                                   "line 1: it is not NAME:HASH",
		"ann:hush":                              "line 1: the hash is none of bcrypt",
		"ann:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=": "line 1: the hash is none of bcrypt",
		"\nann:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00":                             "line 2: the hash is none of bcrypt",
		strings.Replace(ok, "$10$", "$05$", 1):                                    "line 1: the cost 5 of the hash is not between 10 and 14",
		strings.Replace(ok, "$10$", "$31$", 1):                                    "line 1: the cost 31 of the hash",
		ok + "\n" + strings.NewReplacer("ann", "bob", "$10$", "$11$").Replace(ok): "line 2: the cost 11 of the hash is another one",
		ok + "\n" + ok:                 "line 2: the name is there twice",
		ok + "x":                       "line 1: the hash is none of bcrypt",
		":" + ok[4:]:                   "line 1: the name has not",
		strings.Repeat("a", 2000) + ok: "line 1: it has more than 1024 bytes",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, new(lines.Error)) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%.60q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: a name is what the line begins with, and the cost is in bounds.
func FuzzParse(f *testing.F) {
	f.Add([]byte(ann()))
	f.Fuzz(func(t *testing.T, data []byte) {
		users, err := Parse(data)
		if err != nil {
			return
		}
		if users.Len() == 0 || users.cost < minCost || users.cost > maxCost {
			t.Fatalf("%d users, cost %d", users.Len(), users.cost)
		}
		for name, hash := range users.hashes {
			if !bytes.Contains(data, []byte(name+":"+string(hash))) {
				t.Fatalf("%q is not there", name)
			}
		}
	})
}

func FuzzCredentials(f *testing.F) {
	f.Add("YTpi")
	f.Fuzz(func(t *testing.T, s string) {
		name, password, ok := credentials(s)
		if ok && (name == "" || strings.Contains(name, ":") || base64.StdEncoding.EncodeToString([]byte(name+":"+password)) != strings.TrimLeft(s, " ")) {
			t.Fatalf("%q %q", name, password)
		}
	})
}

func BenchmarkRemembered(b *testing.B) {
	a := authenticator(b)
	r := asked(encoded("ann:hush"))
	b.ReportAllocs()
	for b.Loop() {
		if got := a.Authenticate(b.Context(), r); got.Verdict != auth.Valid {
			b.Fatal(got)
		}
	}
}
