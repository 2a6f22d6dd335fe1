// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"testing"
	"time"
)

func TestSetsOutliveConfigurations(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	i := newIssuer(t, key)
	sets := NewSets()
	t.Cleanup(sets.Close)
	first, err := sets.Open(map[string]Options{"idp": i.options(), "hand": {Inline: []byte(document(key))}})
	if err != nil {
		t.Fatal(err)
	}
	sets.Keep(first)
	if _, err := first["idp"].Find(t.Context(), "a", "ES256"); err != nil {
		t.Fatal(err)
	}
	hand, err := first["hand"].Find(t.Context(), "a", "ES256")
	if err != nil {
		t.Fatal(err)
	}
	same := i.options()
	same.Refresh, same.Notify = 5*time.Minute, func(Status) {} // which is the default, and not what a set is
	second, err := sets.Open(map[string]Options{"renamed": same, "twin": same})
	if err != nil || second["renamed"] != first["idp"] || second["twin"] != first["idp"] || i.count() != 1 {
		t.Fatalf("the same options: %v, %d fetches", err, i.count())
	}
	if hand[0].Gone() {
		t.Error("a set is closed before the new configuration is served")
	}
	sets.Keep(second)
	if !hand[0].Gone() {
		t.Error("a set that is named no more is open")
	}
	if keys, err := second["twin"].Find(t.Context(), "a", "ES256"); err != nil || keys[0].Gone() {
		t.Errorf("a set that stays: %v", err)
	}
	if _, err := sets.Open(map[string]Options{"good": {Inline: []byte(document(key))}, "bad": {}}); err == nil || len(sets.open) != 1 {
		t.Errorf("beside a bad one, a set is opened: %v", err)
	}
}

func TestWhatASetIs(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	ordinary := Options{URL: "https://idp.example/keys"}
	seen := map[[32]byte]string{ordinary.identity(): "ordinary"}
	for name, change := range map[string]func(*Options){
		"another URL":     func(o *Options) { o.URL += "/" },
		"an issuer":       func(o *Options) { o.URL, o.Issuer = "", o.URL },
		"inline":          func(o *Options) { o.URL, o.Inline = "", []byte(o.URL) },
		"authorities":     func(o *Options) { o.Roots = []byte("x") },
		"no authorities":  func(o *Options) { o.Roots = []byte{} },
		"plaintext":       func(o *Options) { o.Plaintext = AllowPlaintext },
		"refresh":         func(o *Options) { o.Refresh = 1 },
		"least refresh":   func(o *Options) { o.MinRefresh = 1 },
		"largest refresh": func(o *Options) { o.MaxRefresh = 1 },
		"cooldown":        func(o *Options) { o.Cooldown = 1 },
		"stale":           func(o *Options) { o.StaleIfError = 1 },
		"timeout":         func(o *Options) { o.Timeout = 1 },
		"bytes":           func(o *Options) { o.MaxBytes = 1 },
		"keys":            func(o *Options) { o.MaxKeys = 1 },
	} {
		o := ordinary
		change(&o)
		if other, is := seen[o.identity()]; is {
			t.Errorf("%s is the same as %s", name, other)
		}
		seen[o.identity()] = name
	}
	for name, o := range map[string]Options{
		"nothing":                          {},
		"two sources":                      {URL: "https://idp.example/", Issuer: "https://idp.example"},
		"three sources":                    {URL: "https://idp.example/", Issuer: "https://idp.example", Inline: []byte(key)},
		"http://":                          {URL: "http://idp.example/"},
		"an issuer by http://":             {Issuer: "http://idp.example"},
		"another protocol":                 {URL: "ftp://idp.example/", Plaintext: AllowPlaintext},
		"a file":                           {URL: "file:///etc/keys", Plaintext: AllowPlaintext},
		"no host":                          {URL: "https:///keys"},
		"no protocol":                      {URL: "idp.example/keys"},
		"a password":                       {URL: "https://a:b@idp.example/"},
		"a fragment":                       {URL: "https://idp.example/#a"},
		"an issuer with a query":           {Issuer: "https://idp.example/?a"},
		"an issuer with an empty query":    {Issuer: "https://idp.example/?"},
		"authorities without certificates": {URL: "https://idp.example/", Roots: []byte("x")},
		"a negative time":                  {URL: "https://idp.example/", Timeout: -1},
		"a negative size":                  {URL: "https://idp.example/", MaxBytes: -1},
		"a negative number":                {URL: "https://idp.example/", MaxKeys: -1},
		"bounds that contradict":           {URL: "https://idp.example/", MinRefresh: time.Hour, MaxRefresh: time.Minute},
		"inline keys that are none":        {Inline: []byte("x")},
		"inline keys that are empty":       {Inline: []byte{}},
	} {
		if err := o.Check(); err == nil {
			t.Errorf("%s is taken", name)
		}
		if s, err := Open(o); err == nil {
			s.Close()
			t.Errorf("%s is opened", name)
		}
	}
}

// TestHowManyKeysATokenIsTriedWith: a token that names no key, or one in a set where
// keys have no names.
func TestHowManyKeysATokenIsTriedWith(t *testing.T) {
	t.Parallel()
	named, nameless := []string{}, []string{}
	for n := range MaxCandidates + 1 {
		_, key := newKey(t, string(rune('a'+n)))
		named = append(named, key)
		_, key = newKey(t, "")
		nameless = append(nameless, key)
	}
	for name, tc := range map[string]struct {
		keys []string
		kid  string
		want int // 0: refused
	}{
		"its key":                               {named, "a", 1},
		"no name, few keys":                     {named[:MaxCandidates], "", MaxCandidates},
		"no name, many keys":                    {named, "", 0},
		"another name":                          {named[:1], "x", 0},
		"a name, and keys without":              {nameless[:2], "x", 2},
		"a name, and many keys without":         {nameless, "x", 0},
		"a name that one has, and one without":  {[]string{named[0], nameless[0]}, "a", 1},
		"a name that none has, and one without": {[]string{named[0], nameless[0]}, "x", 1},
		"no name, and one without":              {[]string{named[0], nameless[0]}, "", 2},
	} {
		s := mustOpen(t, Options{Inline: []byte(document(tc.keys...))})
		if keys, err := s.Find(t.Context(), tc.kid, "ES256"); len(keys) != tc.want || (err == nil) != (tc.want > 0) {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
	}
}
