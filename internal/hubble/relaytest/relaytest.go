// SPDX-License-Identifier: Apache-2.0

// Package relaytest is a Hubble Relay for tests: gRPC over TLS that asks for a
// certificate, and says what a test wants said. Cilium itself needs a kernel and
// nodes of its own.
package relaytest

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
	relaypb "github.com/cilium/cilium/api/v1/relay"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Session is what the server does with one call.
type Session func(*observerpb.GetFlowsRequest, grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error

// script is a Hubble Relay that answers each call with the next session, and the
// last of them again and again.
type script struct {
	observerpb.UnimplementedObserverServer

	mu       sync.Mutex
	sessions []Session
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

// Requests are the calls so far.
func (s *script) Requests() []*observerpb.GetFlowsRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Send is a session that sends responses and ends with an error, or none.
func Send(err error, list ...*observerpb.GetFlowsResponse) Session {
	return func(_ *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
		for _, m := range list {
			if err := out.Send(m); err != nil {
				return err
			}
		}
		return err
	}
}

// Hang sends and then waits for the client to go.
func Hang(list ...*observerpb.GetFlowsResponse) Session {
	return func(q *observerpb.GetFlowsRequest, out grpc.ServerStreamingServer[observerpb.GetFlowsResponse]) error {
		if err := Send(nil, list...)(q, out); err != nil {
			return err
		}
		<-out.Context().Done()
		return out.Context().Err()
	}
}

// Noon is when the flows begin.
var Noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// Numbered is a flow that was seen n seconds after noon.
func Numbered(n int) *observerpb.GetFlowsResponse {
	port := uint32(n) //nolint:gosec // a port
	return &observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_Flow{Flow: &flowpb.Flow{
		Time: timestamppb.New(Noon.Add(time.Duration(n) * time.Second)), Uuid: fmt.Sprintf("u-%d", n), Verdict: flowpb.Verdict_FORWARDED,
		L4:     &flowpb.Layer4{Protocol: &flowpb.Layer4_TCP{TCP: &flowpb.TCP{SourcePort: 40000, DestinationPort: port, Flags: &flowpb.TCPFlags{SYN: true}}}},
		Source: &flowpb.Endpoint{Namespace: "shop", PodName: "web-1"}, Destination: &flowpb.Endpoint{Namespace: "shop", PodName: "carts-1"}, IsReply: wrapperspb.Bool(false),
	}}}
}

// Nameless is Numbered as an old node sends it.
func Nameless(n int) *observerpb.GetFlowsResponse {
	m := Numbered(n)
	m.GetFlow().Uuid = ""
	return m
}

// Between is a connection between Deployments of namespace shop, seen within the
// minute after Noon.
func Between(from, to string, port int) *observerpb.GetFlowsResponse {
	m := Numbered(port)
	end := func(name string) *flowpb.Endpoint {
		return &flowpb.Endpoint{Namespace: "shop", PodName: name + "-5d4f-abcde", Workloads: []*flowpb.Workload{{Kind: "Deployment", Name: name}}}
	}
	f := m.GetFlow()
	f.Time, f.Source, f.Destination = timestamppb.New(Noon.Add(time.Duration(port%60)*time.Second)), end(from), end(to)
	return m
}

// Lost are events that a node says it lost.
func Lost(n uint64) *observerpb.GetFlowsResponse {
	return &observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_LostEvents{LostEvents: &flowpb.LostEvent{NumEventsLost: n}}}
}

// Unreached is a node that the relay says it does not reach.
func Unreached(name, why string) *observerpb.GetFlowsResponse {
	return Node(relaypb.NodeState_NODE_UNAVAILABLE, name, why)
}

// Node is what the relay says of a node.
func Node(state relaypb.NodeState, name, why string) *observerpb.GetFlowsResponse {
	return &observerpb.GetFlowsResponse{ResponseTypes: &observerpb.GetFlowsResponse_NodeStatus{NodeStatus: &relaypb.NodeStatusEvent{StateChange: state, NodeNames: []string{name}, Message: why}}}
}

// PKI is an authority with a certificate for the relay and one for its client, as
// PEM.
type PKI struct {
	CA, Cert, Key []byte

	server tls.Certificate
}

// Name is that in the certificate of the relay.
const Name = "instance.hubble-relay.cilium.io"

// NewPKI makes one.
func NewPKI(t testing.TB) *PKI {
	t.Helper()
	caKey := newKey(t)
	caDER := sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, caKey, caKey)
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	p := &PKI{CA: block("CERTIFICATE", caDER)}
	serverKey, clientKey := newKey(t), newKey(t)
	p.server = tls.Certificate{Certificate: [][]byte{sign(t, &x509.Certificate{DNSNames: []string{Name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ca, serverKey, caKey)}, PrivateKey: serverKey}
	p.Cert = block("CERTIFICATE", sign(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca, clientKey, caKey))
	der, err := x509.MarshalPKCS8PrivateKey(clientKey)
	if err != nil {
		t.Fatal(err)
	}
	p.Key = block("PRIVATE KEY", der)
	return p
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, c, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
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

// Relay is a running server.
type Relay struct {
	*PKI
	*script

	Address string
	Server  *grpc.Server
}

// Start runs a script behind TLS that asks clients for a certificate.
func Start(t testing.TB, sessions ...Session) *Relay {
	t.Helper()
	r := &Relay{script: &script{sessions: sessions}, PKI: NewPKI(t)}
	r.Listen(t, "127.0.0.1:0")
	t.Cleanup(func() { r.Server.Stop() })
	return r
}

// Listen lets it listen again, after Server was stopped.
func (r *Relay) Listen(t testing.TB, address string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.CA)
	r.Address = l.Addr().String()
	r.Server = grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{r.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	})))
	observerpb.RegisterObserverServer(r.Server, r.script)
	go func() { _ = r.Server.Serve(l) }() // until it is stopped
}
