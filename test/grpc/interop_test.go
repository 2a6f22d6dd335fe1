// SPDX-License-Identifier: Apache-2.0

// Package grpc runs the interoperability cases of gRPC through the gateway
// (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md). It is a
// module of its own: they depend on modules that the gateway has no use for.
package grpc

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
)

// gateway serves the test service by both kinds of listener.
func gateway(t *testing.T) (plain, secure string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backend := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(backend, interop.NewTestServer())
	go func() { _ = backend.Serve(l) }() // until it is stopped
	t.Cleanup(backend.Stop)
	local := netip.MustParseAddrPort("127.0.0.1:0")
	s := server.New(testr.NewWithInterface(t, testr.Options{}), io.Discard)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	if err := s.Apply(t.Context(), &config.Snapshot{
		Listeners: []config.Listener{
			{Name: "plain", Address: local, Protocol: config.HTTP, HTTP2: config.HTTP2On},
			{Name: "secure", Address: local, Protocol: config.HTTPS},
		},
		Routes:   []config.Route{{Name: "all", Target: config.Target{Backends: []config.Weighted{{Name: "b"}}}}},
		Backends: []config.Backend{{Name: "b", Protocol: "h2c", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(l.Addr().String())}}},
	}); err != nil {
		t.Fatal(err)
	}
	at := s.Addresses()
	return at["plain"].String(), at["secure"].String()
}

// cases are those that need no credentials of a cloud. Each ends the process if it
// fails, and says why.
var cases = map[string]func(context.Context, *grpc.ClientConn){
	"empty_unary":                 test(interop.DoEmptyUnaryCall),
	"large_unary":                 test(interop.DoLargeUnaryCall),
	"client_streaming":            test(interop.DoClientStreaming),
	"server_streaming":            test(interop.DoServerStreaming),
	"ping_pong":                   test(interop.DoPingPong),
	"empty_stream":                test(interop.DoEmptyStream),
	"timeout_on_sleeping_server":  test(interop.DoTimeoutOnSleepingServer),
	"cancel_after_begin":          test(interop.DoCancelAfterBegin),
	"cancel_after_first_response": test(interop.DoCancelAfterFirstResponse),
	"custom_metadata":             test(interop.DoCustomMetadata),
	"status_code_and_message":     test(interop.DoStatusCodeAndMessage),
	"special_status_message":      test(interop.DoSpecialStatusMessage),
	"unimplemented_method":        interop.DoUnimplementedMethod,
	"unimplemented_service": func(ctx context.Context, c *grpc.ClientConn) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(c))
	},
}

func test(run func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, *grpc.ClientConn) {
	return func(ctx context.Context, c *grpc.ClientConn) { run(ctx, testgrpc.NewTestServiceClient(c)) }
}

func TestInteroperability(t *testing.T) {
	t.Parallel()
	plain, secure := gateway(t)
	for name, at := range map[string]struct {
		address string
		by      credentials.TransportCredentials
	}{
		"in clear": {plain, insecure.NewCredentials()},
		"by TLS":   {secure, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})},
	} {
		conn, err := grpc.NewClient(at.address, grpc.WithTransportCredentials(at.by))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		for c, run := range cases {
			t.Run(name+"/"+c, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				run(ctx, conn)
			})
		}
	}
}

// TestManySmallMessagesAreNoFlood: clients measure the way with a PING for what they get,
// and open windows as they read.
func TestManySmallMessagesAreNoFlood(t *testing.T) {
	t.Parallel()
	_, secure := gateway(t)
	conn, err := grpc.NewClient(secure, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	const messages = 20_000
	ask := &testgrpc.StreamingOutputCallRequest{}
	for range messages {
		ask.ResponseParameters = append(ask.ResponseParameters, &testgrpc.ResponseParameters{Size: 1})
	}
	c := testgrpc.NewTestServiceClient(conn)
	got, err := c.StreamingOutputCall(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		_, err := got.Recv()
		if errors.Is(err, io.EOF) && n == messages {
			break
		}
		if err != nil {
			t.Fatalf("after %d messages: %v", n, err)
		}
	}
	both, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask.ResponseParameters = ask.ResponseParameters[:1]
	for n := range messages / 10 {
		if err := both.Send(ask); err != nil {
			t.Fatalf("after %d messages: %v", n, err)
		}
		if _, err := both.Recv(); err != nil {
			t.Fatalf("after %d messages: %v", n, err)
		}
	}
}
