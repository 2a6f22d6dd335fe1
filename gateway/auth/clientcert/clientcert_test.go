// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// certificate signs itself, which is nobody's concern here.
func certificate(t testing.TB, names ...string) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), Subject: pkix.Name{CommonName: "ann", Organization: []string{"Acme, Inc."}}}
	for _, n := range names {
		kind, value, _ := strings.Cut(n, "=")
		switch kind {
		case "uri":
			u, err := url.Parse(value)
			if err != nil {
				t.Fatal(err)
			}
			template.URIs = append(template.URIs, u)
		case "dns":
			template.DNSNames = append(template.DNSNames, value)
		case "email":
			template.EmailAddresses = append(template.EmailAddresses, value)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func verified(c *x509.Certificate) *tls.ConnectionState {
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
}

func TestWhoIsNamedInACertificate(t *testing.T) {
	t.Parallel()
	web := certificate(t, "dns=Web.example.com", "dns=b", "email=ann@example.com", "uri=https://a/b")
	svid := certificate(t, "uri=spiffe://acme.example/ns/shop/sa/web")
	two := certificate(t, "uri=spiffe://acme.example/a", "uri=spiffe://acme.example/b")
	late := certificate(t, "dns=a")
	late.NotAfter = now.Add(-time.Second)
	early := certificate(t, "dns=a")
	early.NotBefore = now.Add(time.Second)
	for name, tc := range map[string]struct {
		o       Options
		tls     *tls.ConnectionState
		verdict auth.Verdict
		want    string // subject or reason
	}{
		"without TLS":                {Options{Subject: DNS}, nil, auth.Absent, NoCertificate},
		"without a certificate":      {Options{Subject: DNS}, &tls.ConnectionState{}, auth.Absent, NoCertificate},
		"one that nobody verified":   {Options{Subject: DNS}, &tls.ConnectionState{PeerCertificates: []*x509.Certificate{web}}, auth.Invalid, UnverifiedCertificate},
		"a chain of another one":     {Options{Subject: DNS}, &tls.ConnectionState{PeerCertificates: []*x509.Certificate{web}, VerifiedChains: [][]*x509.Certificate{{svid}}}, auth.Invalid, UnverifiedCertificate},
		"one that holds no more":     {Options{Subject: DNS}, verified(late), auth.Invalid, ExpiredCertificate},
		"one that does not hold yet": {Options{Subject: DNS}, verified(early), auth.Invalid, ExpiredCertificate},
		"a name":                     {Options{Subject: DNS}, verified(web), auth.Valid, "web.example.com"},
		"an address":                 {Options{Subject: Email}, verified(web), auth.Valid, "ann@example.com"},
		"a URI":                      {Options{Subject: URI}, verified(web), auth.Valid, "https://a/b"},
		"a distinguished name":       {Options{Subject: DistinguishedName}, verified(web), auth.Valid, `CN=ann,O=Acme\, Inc.`},
		"no kind":                    {Options{}, verified(web), auth.Invalid, NoName},
		"no name of the kind":        {Options{Subject: Email}, verified(svid), auth.Invalid, NoName},
		"a SPIFFE ID":                {Options{Subject: SPIFFE}, verified(svid), auth.Valid, "spiffe://acme.example/ns/shop/sa/web"},
		"of a domain that counts":    {Options{Subject: SPIFFE, TrustDomains: []string{"b", "acme.example"}}, verified(svid), auth.Valid, "spiffe://acme.example/ns/shop/sa/web"},
		"of another domain":          {Options{Subject: SPIFFE, TrustDomains: []string{"acme.example.com"}}, verified(svid), auth.Invalid, OtherTrustDomain},
		"two of them":                {Options{Subject: SPIFFE}, verified(two), auth.Invalid, NoName},
		"a URI that is no SPIFFE ID": {Options{Subject: SPIFFE}, verified(web), auth.Invalid, NoName},
	} {
		tc.o.Name = "mtls"
		a := New(tc.o)
		for range 2 { // the second is remembered
			got := a.Authenticate(t.Context(), &auth.Request{Form: &request.Form{}, TLS: tc.tls, Now: now})
			said := got.Reason
			if got.Principal != nil {
				said = got.Principal.Subject
			}
			if got.Verdict != tc.verdict || said != tc.want || (got.Principal != nil) != (tc.verdict == auth.Valid) {
				t.Errorf("%s: got %+v", name, got)
			}
		}
	}
}

func TestClaimsOfACertificate(t *testing.T) {
	t.Parallel()
	c := certificate(t, "dns=a", "dns=b", "email=c@d", "uri=e:f")
	got := New(Options{Name: "mtls", Subject: DNS}).Authenticate(t.Context(), &auth.Request{Form: &request.Form{}, TLS: verified(c), Now: now})
	claims := got.Principal.Claims
	if sum, _ := claims["sha256"].(string); len(sum) != 64 {
		t.Errorf("got %v", claims)
	}
	delete(claims, "sha256")
	want := map[string]any{"dns": []any{"a", "b"}, "uri": []any{"e:f"}, "email": []any{"c@d"}, "subject": `CN=ann,O=Acme\, Inc.`, "issuer": `CN=ann,O=Acme\, Inc.`, "commonName": "ann"}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
}

func TestSPIFFEIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"spiffe://acme.example/a/b": true, "spiffe://acme.example": true, "spiffe://a_b-1/C.d_e-1": true,
		"spiffe:///a": false, "spiffe://acme.example/": false, "spiffe://acme.example/a/": false, "spiffe://acme.example/a//b": false,
		"spiffe://Acme.example/a": false, "spiffe://acme.example:80/a": false, "spiffe://u@acme.example/a": false, "spiffe://acme.example/a?b": false, "spiffe://acme.example/a?": false,
		"spiffe://acme.example/a#b": false, "spiffe://acme.example/a/../b": false, "spiffe://acme.example/./b": false, "spiffe://acme.example/%61": false, "spiffe://acme.example/a%2fb": false,
		"https://acme.example/a": false, "spiffe:acme": false, "spiffe://acme.example/" + strings.Repeat("a", maxID): false, "spiffe://" + strings.Repeat("a", maxDomain+1) + "/a": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, id := spiffe(u); (id == text) != want || id != "" && !want {
			t.Errorf("%.60s: got %q", text, id)
		}
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	a := New(Options{Subject: DNS})
	c := certificate(t, "dns=a")
	for range maxKnown + 10 {
		other := *c
		if got := a.Authenticate(t.Context(), &auth.Request{TLS: verified(&other), Now: now}); got.Verdict != auth.Valid {
			t.Fatal(got)
		}
	}
	if len(a.known) != maxKnown {
		t.Errorf("%d are remembered", len(a.known))
	}
}
