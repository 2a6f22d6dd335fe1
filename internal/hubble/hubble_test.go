// SPDX-License-Identifier: Apache-2.0

package hubble

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/flows/relay"
	"github.com/gatehouse-sh/gatehouse/internal/hubble/relaytest"
)

// files writes what TLS needs, and returns the flags that name it.
func files(t *testing.T, p *relaytest.PKI) []string {
	t.Helper()
	dir := t.TempDir()
	var out []string
	for name, text := range map[string][]byte{"ca": p.CA, "cert": p.Cert, "key": p.Key} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, "--hubble-relay-"+name+"="+path)
	}
	return out
}

// TestBothLibrariesOfFlags reaches a relay over TLS with the flags of either.
func TestBothLibrariesOfFlags(t *testing.T) {
	t.Parallel()
	s := relaytest.Start(t, relaytest.Send(nil, relaytest.Numbered(1)))
	args := append(files(t, s.PKI), "--hubble-relay="+s.Address, "--hubble-relay-server-name="+relaytest.Name)
	for name, parse := range map[string]func(*Access) error{
		"flag": func(a *Access) error {
			set := flag.NewFlagSet("x", flag.ContinueOnError)
			a.Add(set, "of a test")
			return set.Parse(args)
		},
		"pflag": func(a *Access) error {
			set := pflag.NewFlagSet("x", pflag.ContinueOnError)
			a.Add(set, "of a test")
			return set.Parse(args)
		},
	} {
		var a Access
		if err := parse(&a); err != nil {
			t.Fatal(err)
		}
		o, err := a.Options()
		if err != nil {
			t.Fatal(err)
		}
		r, err := relay.NewReader(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Each(t.Context(), func(*flows.Flow) error { return nil }); err != nil || r.Stats.Flows != 1 {
			t.Errorf("%s: %v, %+v", name, err, r.Stats)
		}
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		access Access
		want   []string // parts of the error; none for what is right
	}{
		"none":                             {Access{}, nil},
		"an address":                       {Access{address: "relay.example:443"}, nil},
		"an IPv6 address":                  {Access{address: "[::1]:4245"}, nil},
		"without TLS":                      {Access{address: "localhost:4245", plain: true}, nil},
		"no port":                          {Access{address: "relay.example"}, []string{`--hubble-relay "relay.example" is no host:port`}},
		"no host":                          {Access{address: ":443"}, []string{"is no host:port"}},
		"a port that is none":              {Access{address: "x:70000"}, []string{"is no host:port"}},
		"a scheme":                         {Access{address: "https://x:443"}, []string{"is no host:port"}},
		"certificates of nobody":           {Access{ca: "ca.pem", plain: true}, []string{"--hubble-relay-ca is about a relay", "--hubble-relay-plaintext is about a relay"}},
		"certificates without TLS":         {Access{address: "x:1", plain: true, ca: "ca.pem", server: "x"}, []string{"--hubble-relay-ca is for TLS", "--hubble-relay-server-name is for TLS"}},
		"a certificate without a key":      {Access{address: "x:1", cert: "cert.pem"}, []string{"--hubble-relay-cert and --hubble-relay-key go together"}},
		"a file that is not there":         {Access{address: "x:1", ca: "missing.pem"}, []string{"--hubble-relay-ca: open missing.pem"}},
		"an empty authority":               {Access{address: "x:1", ca: empty}, []string{"--hubble-relay-ca: " + empty + " is empty"}},
		"an authority that is none":        {Access{address: "x:1", ca: "hubble.go"}, []string{"--hubble-relay x:1: ", "no certificate"}},
		"a pair that does not belong here": {Access{address: "x:1", cert: "hubble.go", key: "hubble.go"}, []string{"--hubble-relay x:1: ", "client's certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := tc.access.Options()
			if len(tc.want) == 0 {
				if err != nil || o.Address != tc.access.Address() {
					t.Errorf("%v, %+v", err, o)
				}
				return
			}
			for _, part := range tc.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want %q", err, part)
				}
			}
		})
	}
}
