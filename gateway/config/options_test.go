// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// TestTimesOfKeySets reach package jwks.
func TestTimesOfKeySets(t *testing.T) {
	t.Parallel()
	k := KeySet{URL: "https://idp/keys", Refresh: Duration(time.Minute), Cooldown: Duration(2 * time.Minute), StaleIfError: Duration(3 * time.Minute)}
	if o := k.Options(); o.Refresh != time.Minute || o.Cooldown != 2*time.Minute || o.StaleIfError != 3*time.Minute {
		t.Errorf("got %+v", o)
	}
}

// TestTLSOfStores: a server is known by CAFile and ServerName, and is shown CertFile and
// KeyFile.
func TestTLSOfStores(t *testing.T) {
	t.Parallel()
	servers, clients := pki.New(t, "servers"), pki.New(t, "clients")
	cert, key := pki.Encode(t, clients.For(t, "gateway"))
	roots := x509.NewCertPool()
	roots.AddCert(clients.Cert)
	server := servers.For(t, "redis.internal")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, tc := range map[string]struct {
		tls  RedisTLS
		good bool
	}{
		"as it is":            {RedisTLS{CAFile: "ca", CA: servers.PEM, ServerName: "redis.internal", CertFile: "c", KeyFile: "k", Cert: cert, Key: key}, true},
		"another authority":   {RedisTLS{CAFile: "ca", CA: clients.PEM, ServerName: "redis.internal", CertFile: "c", KeyFile: "k", Cert: cert, Key: key}, false},
		"those of the system": {RedisTLS{ServerName: "redis.internal", CertFile: "c", KeyFile: "k", Cert: cert, Key: key}, false},
		"another name":        {RedisTLS{CAFile: "ca", CA: servers.PEM, CertFile: "c", KeyFile: "k", Cert: cert, Key: key}, false},
		"shown nothing":       {RedisTLS{CAFile: "ca", CA: servers.PEM, ServerName: "redis.internal"}, false},
	} {
		client, err := (&Redis{Address: "redis:6379", TLS: &tc.tls}).ClientTLS()
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			there, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			ended <- tls.Server(there, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots}).HandshakeContext(t.Context())
			_ = there.Close()
		}()
		here, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		said := tls.Client(here, client).HandshakeContext(t.Context())
		_ = here.Close() // or else the server would wait
		if heard := <-ended; (said == nil && heard == nil) != tc.good {
			t.Errorf("%s: the client says %v, the server %v", name, said, heard)
		}
	}
}
