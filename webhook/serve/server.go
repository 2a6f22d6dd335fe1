// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
)

// How long a connection may do nothing. An API server has a request ready when it
// connects, and opens another connection when it finds one closed.
const (
	handshakeTime = 5 * time.Second  // until the head of the first request has come
	idleTime      = 30 * time.Second // from a request to the next
	drainTime     = time.Minute      // for requests under way when the process ends
	maxHeader     = 64 << 10         // bytes
)

// server is controller-runtime's, but for how it listens: its connections are
// bounded, in number and in what they may wait for.
type server struct {
	ctrlwebhook.Server

	address     string
	tls         *tls.Config
	connections *connections
}

// server speaks HTTP/1.1 only: API servers keep connections open anyway, it
// costs less per request, and there are no streams to reset (CVE-2023-44487).
func (p *process) server() (*server, error) {
	open, err := newConnections(maxConnections, p.Registry)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12, GetCertificate: p.serving.Certificate}
	address := net.JoinHostPort(p.Host, strconv.Itoa(cmp.Or(p.Port, ctrlwebhook.DefaultPort)))
	return &server{ctrlwebhook.NewServer(ctrlwebhook.Options{}), address, c, open}, nil
}

// Start implements manager.Runnable.
func (s *server) Start(ctx context.Context) error {
	inner, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return s.serve(ctx, inner)
}

// serve answers until ctx ends, and then until the requests under way are answered.
func (s *server) serve(ctx context.Context, inner net.Listener) error {
	srv := &http.Server{
		Handler:           s.WebhookMux(),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) }, // requests under way are judged to their end
		ReadHeaderTimeout: handshakeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ConnState: s.connections.follow,
	}
	drained := make(chan error, 1)
	ended, end := context.WithCancel(ctx)
	defer end()
	go func() {
		<-ended.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		drained <- srv.Shutdown(limit)
	}()
	err := srv.Serve(tls.NewListener(&listener{inner, s.connections}, s.tls))
	end()
	if late := <-drained; errors.Is(err, http.ErrServerClosed) {
		err = late
	}
	return err
}

// StartedChecker says that the server is up when it accepts a connection.
func (s *server) StartedChecker() healthz.Checker {
	return func(req *http.Request) error {
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: handshakeTime}, Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it asks itself whether it is there
		conn, err := d.DialContext(req.Context(), "tcp", s.address)
		if err != nil {
			return fmt.Errorf("reach the webhook server: %w", err)
		}
		return conn.Close()
	}
}
