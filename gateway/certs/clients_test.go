// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

func TestClientsAreJudged(t *testing.T) {
	t.Parallel()
	root, other := pki.New(t, "root"), pki.New(t, "other")
	between := root.Below(t, "between")
	twin := pki.New(t, "root") // of the same name
	good, deep, taken := root.For(t, "a.example.com"), between.For(t, "a.example.com"), root.For(t, "a.example.com")
	old := root.Sign(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	early := root.Sign(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })
	server := root.Sign(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	soon := time.Now().Add(time.Hour)
	list, rootList := root.Revoke(t, soon, taken.Leaf), root.Revoke(t, soon, between.Cert)
	with := func(edit func(*config.ClientCertificates)) config.ClientCertificates {
		c := config.ClientCertificates{CAs: [][]byte{root.PEM}}
		if edit != nil {
			edit(&c)
		}
		return c
	}
	for name, tc := range map[string]struct {
		policy config.ClientCertificates
		shown  []*x509.Certificate
		want   error
	}{
		"one that was signed":               {with(nil), []*x509.Certificate{good.Leaf}, nil},
		"none":                              {with(nil), nil, ErrNoCertificate},
		"none, and it is optional":          {with(func(c *config.ClientCertificates) { c.Mode = config.Optional }), nil, nil},
		"a bad one where none would do":     {with(func(c *config.ClientCertificates) { c.Mode = config.Optional }), []*x509.Certificate{old.Leaf}, ErrUnverified},
		"a stranger's":                      {with(nil), []*x509.Certificate{other.For(t, "a").Leaf}, ErrUnverified},
		"that of an authority of that name": {with(nil), []*x509.Certificate{twin.For(t, "a").Leaf}, ErrUnverified},
		"one that has ended":                {with(nil), []*x509.Certificate{old.Leaf}, ErrUnverified},
		"one that has not begun":            {with(nil), []*x509.Certificate{early.Leaf}, ErrUnverified},
		"a server's":                        {with(nil), []*x509.Certificate{server.Leaf}, ErrUnverified},
		"by an authority between":           {with(nil), []*x509.Certificate{deep.Leaf, between.Cert}, nil},
		"by an authority between not shown": {with(nil), []*x509.Certificate{deep.Leaf}, ErrUnverified},
		"not on the list":                   {with(func(c *config.ClientCertificates) { c.CRLs = [][]byte{list} }), []*x509.Certificate{good.Leaf}, nil},
		"on the list":                       {with(func(c *config.ClientCertificates) { c.CRLs = [][]byte{list} }), []*x509.Certificate{taken.Leaf}, ErrRevoked},
		"below an authority without a list": {with(func(c *config.ClientCertificates) { c.CRLs = [][]byte{list} }), []*x509.Certificate{deep.Leaf, between.Cert}, ErrNoList},
		"below an authority on the list":    {with(func(c *config.ClientCertificates) { c.CRLs = [][]byte{rootList, list} }), []*x509.Certificate{deep.Leaf, between.Cert}, ErrNoList},
		"below a trusted one on the list": {with(func(c *config.ClientCertificates) {
			c.CAs = append(c.CAs, between.PEM)
			c.CRLs = [][]byte{rootList, between.Revoke(t, soon)}
		}), []*x509.Certificate{deep.Leaf}, ErrRevoked},
		"below two with a list each": {with(func(c *config.ClientCertificates) {
			c.CAs = append(c.CAs, between.PEM)
			c.CRLs = [][]byte{list, between.Revoke(t, soon)}
		}), []*x509.Certificate{deep.Leaf}, nil},
		"a list that has ended": {with(func(c *config.ClientCertificates) { c.CRLs = [][]byte{root.Revoke(t, time.Now().Add(-time.Minute))} }), []*x509.Certificate{good.Leaf}, ErrNoList},
		"on a list that has ended": {with(func(c *config.ClientCertificates) {
			c.CRLs = [][]byte{root.Revoke(t, time.Now().Add(-time.Minute), taken.Leaf)}
		}), []*x509.Certificate{taken.Leaf}, ErrRevoked},
		"with a name that is allowed":          {with(func(c *config.ClientCertificates) { c.Allow.DNS = []string{"a.example.com"} }), []*x509.Certificate{good.Leaf}, nil},
		"with another name":                    {with(func(c *config.ClientCertificates) { c.Allow.DNS = []string{"b.example.com"} }), []*x509.Certificate{good.Leaf}, ErrOtherName},
		"with no name of that kind":            {with(func(c *config.ClientCertificates) { c.Allow.Emails = []string{"a@example.com"} }), []*x509.Certificate{good.Leaf}, ErrOtherName},
		"a good one before that of a stranger": {with(nil), []*x509.Certificate{other.For(t, "a").Leaf, good.Leaf}, ErrUnverified},
	} {
		c, err := NewClients(&tc.policy)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := c.Again(tc.shown, time.Now()); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

func TestAJudgementEndsWithTheCertificate(t *testing.T) {
	t.Parallel()
	root := pki.New(t, "root")
	leaf := root.For(t, "a").Leaf
	policy := config.ClientCertificates{CAs: [][]byte{root.PEM}}
	c, err := NewClients(&policy)
	if err != nil {
		t.Fatal(err)
	}
	chains, err := c.Again([]*x509.Certificate{leaf}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]error{leaf.NotAfter: nil, leaf.NotAfter.Add(time.Second): ErrOutOfTime, leaf.NotBefore.Add(-time.Second): ErrOutOfTime} {
		if err := c.Judge(chains, 1, at); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", at, err, want)
		}
	}
	if err := c.Judge(nil, 1, time.Now()); !errors.Is(err, ErrUnverified) {
		t.Errorf("a certificate without a chain: got %v", err)
	}
}

func TestWhatJudgesClientsIsRefusedWithAFault(t *testing.T) {
	t.Parallel()
	root, other := pki.New(t, "root"), pki.New(t, "root")
	soon := time.Now().Add(time.Hour)
	for name, tc := range map[string]struct {
		policy config.ClientCertificates
		want   string
	}{
		"nobody":                 {config.ClientCertificates{}, "there is no authority"},
		"no PEM":                 {config.ClientCertificates{CAs: [][]byte{[]byte("x")}}, "caFiles[0]: there is no PEM of CERTIFICATE"},
		"half a PEM":             {config.ClientCertificates{CAs: [][]byte{slices.Concat(root.PEM, root.PEM[:90])}}, "caFiles[0]: after block 1 there is one that cannot be read"},
		"a list for authorities": {config.ClientCertificates{CAs: [][]byte{root.Revoke(t, soon)}}, "caFiles[0]: block 1 is X509 CRL"},
		"a stranger's list":      {config.ClientCertificates{CAs: [][]byte{root.PEM}, CRLs: [][]byte{other.Revoke(t, soon)}}, "crlFiles[0]: none of the authorities"},
	} {
		if _, err := NewClients(&tc.policy); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestNamesAreCompared(t *testing.T) {
	t.Parallel()
	uri := func(s string) *x509.Certificate {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return &x509.Certificate{URIs: []*url.URL{u}}
	}
	host := func(s string) *x509.Certificate { return &x509.Certificate{DNSNames: []string{s}} }
	mail := func(s string) *x509.Certificate { return &x509.Certificate{EmailAddresses: []string{s}} }
	n := config.Names{
		DNS: []string{"a.example.com", "*.wild.example.com"}, Emails: []string{"a@example.com"},
		URIs: []string{"spiffe://td/ns/a/sa/one", "spiffe://td/ns/b/*"},
	}
	for name, tc := range map[string]struct {
		cert *x509.Certificate
		want bool
	}{
		"a host":                        {host("a.example.com"), true},
		"a host in upper case":          {host("A.Example.com"), true},
		"another host":                  {host("b.example.com"), false},
		"a host below":                  {host("x.a.example.com"), false},
		"a label in the place of *":     {host("x.wild.example.com"), true},
		"two labels":                    {host("x.y.wild.example.com"), false},
		"no label":                      {host("wild.example.com"), false},
		"an empty label":                {host(".wild.example.com"), false},
		"a wildcard itself":             {host("*.wild.example.com"), false},
		"an address of mail":            {mail("a@example.com"), true},
		"another of mail":               {mail("A@example.com"), false},
		"a URI":                         {uri("spiffe://td/ns/a/sa/one"), true},
		"a longer one":                  {uri("spiffe://td/ns/a/sa/one/two"), false},
		"one below":                     {uri("spiffe://td/ns/b/sa/x"), true},
		"not below":                     {uri("spiffe://td/ns/b"), false},
		"nothing below":                 {uri("spiffe://td/ns/b/"), false},
		"beside it":                     {uri("spiffe://td/ns/bb/sa/x"), false},
		"one that climbs":               {uri("spiffe://td/ns/b/../a"), false},
		"one that climbs by an escape":  {uri("spiffe://td/ns/b/%2e%2e/a"), false},
		"one with a query":              {uri("spiffe://td/ns/b/x?y"), false},
		"of another domain of trust":    {uri("spiffe://other/ns/b/sa/x"), false},
		"no name at all":                {&x509.Certificate{}, false},
		"a subject that is like a name": {&x509.Certificate{}, false},
	} {
		if got := has(&n, tc.cert); got != tc.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
	if has(&config.Names{}, host("a")) {
		t.Error("a certificate has one of no names")
	}
}

func TestKeysOfTicketsChange(t *testing.T) {
	t.Parallel()
	var tickets Tickets
	at := func(d time.Duration, purpose string) [][32]byte {
		keys, until := tickets.Keys([]byte(purpose), now.Add(d))
		if left := until.Sub(now.Add(d)); left <= 0 || left > ticketPeriod {
			t.Errorf("after %s they are to change in %s", d, left)
		}
		return keys
	}
	first := at(0, "a")
	if again := at(ticketPeriod-1, "a"); len(again) != 1 || again[0] != first[0] {
		t.Error("they change before their time")
	}
	if other := at(0, "b"); other[0] == first[0] {
		t.Error("two purposes have one key")
	}
	second := at(ticketPeriod, "a")
	if len(second) != 2 || second[0] == first[0] || second[1] != first[0] {
		t.Error("a period later there are not a new one and the old one")
	}
	third := at(2*ticketPeriod, "a")
	if len(third) != 3 || third[2] != first[0] {
		t.Error("two periods later the first is not the last")
	}
	fourth := at(3*ticketPeriod, "a")
	if len(fourth) != 3 || fourth[2] != second[0] {
		t.Error("three periods later the first is kept")
	}
	if skipped := at(5*ticketPeriod, "a"); len(skipped) != 2 || skipped[1] != fourth[0] {
		t.Error("after two periods without a question the newest before them is not the last")
	}
	if late := at(50*ticketPeriod, "a"); len(late) != 1 {
		t.Error("after long, one is kept")
	}
}
