// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	flowpb "github.com/cilium/cilium/api/v1/flow"
	observerpb "github.com/cilium/cilium/api/v1/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// session is what the server does with one call.
type session func(*observerpb.GetFlowsRequest, grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error

// script is a Hubble Relay that answers each call with the next session, and the
// last of them again and again.
type script struct {
	observerpb.UnimplementedObserverServer

	mu       sync.Mutex
	sessions []session
	asked    []*observerpb.GetFlowsRequest
}

func (s *script) GetFlows(q *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
	s.mu.Lock()
	now := s.sessions[0]
	if len(s.sessions) > 1 {
		s.sessions = s.sessions[1:]
	}
	s.asked = append(s.asked, q)
	s.mu.Unlock()
	return now(q, out)
}

func (s *script) requests() []*observerpb.GetFlowsRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// send is a session that sends responses and ends with an error, or none.
func send(err error, list ...*observerpb.GetFlowsResponse) session {
	return func(_ *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
		for _, m := range list {
			if err := out.Send(m); err != nil {
				return err
			}
		}
		return err
	}
}

// hang sends and then waits for the client to go.
func hang(list ...*observerpb.GetFlowsResponse) session {
	return func(q *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
		if err := send(nil, list...)(q, out); err != nil {
			return err
		}
		<-out.Context().Done()
		return out.Context().Err()
	}
}

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// numbered is a flow that was seen n seconds after noon.
func numbered(n int) *observerpb.GetFlowsResponse {
	return &observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_Flow{Flow: &flowpb.Flow{
		Time: timestamppb.New(noon.Add(time.Duration(n) * time.Second)), Uuid: fmt.Sprintf("u-%d", n), Verdict: flowpb.Verdict_FORWARDED,
		L4:     &flowpb.Layer4{Protocol: &flowpb.Layer4_TCP{TCP: &flowpb.TCP{SourcePort: 40000, DestinationPort: uint32(n), Flags: &flowpb.TCPFlags{SYN: true}}}},
		Source: &flowpb.Endpoint{Namespace: "shop", PodName: "web-1"}, Destination: &flowpb.Endpoint{Namespace: "shop", PodName: "carts-1"}, IsReply: wrapperspb.Bool(false),
	}}}
}

// nameless is numbered as an old node sends it.
func nameless(n int) *observerpb.GetFlowsResponse {
	m := numbered(n)
	m.GetFlow().Uuid = ""
	return m
}

// pki is an authority with a certificate for the relay and one for its client.
type pki struct {
	ca        []byte
	server    tls.Certificate
	cert, key []byte
}

const relayName = "instance.hubble-relay.cilium.io"

func newPKI(t *testing.T) *pki {
	t.Helper()
	caKey := newKey(t)
	caDER := sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, caKey, caKey)
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{ca: block("CERTIFICATE", caDER)}
	serverKey, clientKey := newKey(t), newKey(t)
	p.server = tls.Certificate{Certificate: [][]byte{sign(t, &x509.Certificate{DNSNames: []string{relayName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ca, serverKey, caKey)}, PrivateKey: serverKey}
	p.cert = block("CERTIFICATE", sign(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca, clientKey, caKey))
	der, err := x509.MarshalPKCS8PrivateKey(clientKey)
	if err != nil {
		t.Fatal(err)
	}
	p.key = block("PRIVATE KEY", der)
	return p
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, c, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
	t.Helper()
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "test"}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// relay is a running server.
type relay struct {
	*script
	*pki
	address string
	server  *grpc.Server
}

// start runs a script behind TLS that asks clients for a certificate.
func start(t *testing.T, sessions ...session) *relay {
	t.Helper()
	r := &relay{script: &script{sessions: sessions}, pki: newPKI(t)}
	r.listen(t, "127.0.0.1:0")
	t.Cleanup(func() { r.server.Stop() })
	return r
}

func (r *relay) listen(t *testing.T, address string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.ca)
	r.address = l.Addr().String()
	r.server = grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{r.pki.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	})))
	observerpb.RegisterObserverServer(r.server, r.script)
	go r.server.Serve(l)
}

// reader is a client that may come in, with short pauses.
func (r *relay) reader(t *testing.T, o Options) *Reader {
	t.Helper()
	if o.Transport.credentials == nil {
		transport, err := Secure(Certificates{CA: r.ca, Cert: r.cert, Key: r.key, ServerName: relayName})
		if err != nil {
			t.Fatal(err)
		}
		o.Transport = transport
	}
	o.Address, o.Wait = r.address, time.Millisecond
	out, err := NewReader(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
