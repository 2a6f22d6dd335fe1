// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// drain is how long requests that are under way are given when the Pod ends, and how
// long it goes on accepting, since others learn of its end a moment later.
const (
	linger = 5 * time.Second
	drain  = 10 * time.Second
)

// serve answers requests at addresses, or at ports of all of them: who it is, who the gateway says that the client
// is, and what the application behind it ($UPSTREAM, a URL) answers. Port 53 is
// answered by UDP too.
func serve(addresses []string) error {
	if len(addresses) == 0 {
		return errors.New("serve: no port")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 2*len(addresses))
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/", answer)
	var servers []*http.Server
	for _, address := range addresses {
		if !strings.Contains(address, ":") {
			address = ":" + address
		}
		s := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: drain}
		servers = append(servers, s)
		go func() { ended <- fmt.Errorf("serve %s: %w", address, s.ListenAndServe()) }()
		if strings.HasSuffix(address, ":53") {
			go func() { ended <- echo(ctx, address) }()
		}
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	time.Sleep(linger) //nolint:forbidigo // nothing tells when the last of the others knows
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	errs := make([]error, 0, len(servers))
	for _, s := range servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

func answer(w http.ResponseWriter, r *http.Request) {
	host, err := os.Hostname()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	behind := ""
	if url := os.Getenv("UPSTREAM"); url != "" {
		if behind, err = fetch(r.Context(), url); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
	_, _ = fmt.Fprintf(w, "%s for %q\n%s", host, r.Header.Get("X-User"), behind) //nolint:gosec // no browser reads it
}

func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // the address is that of its Deployment
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", url, err)
	}
	client := http.Client{}
	response, err := client.Do(request) //nolint:gosec // see above
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", url, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", url, err)
	}
	return string(body), nil
}

// echo answers datagrams with what they are.
func echo(ctx context.Context, address string) error {
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", address)
	if err != nil {
		return fmt.Errorf("serve UDP at %s: %w", address, err)
	}
	buffer := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(buffer)
		if err != nil {
			return fmt.Errorf("serve UDP at %s: %w", address, err)
		}
		if _, err := c.WriteTo(buffer[:n], from); err != nil {
			return fmt.Errorf("answer %s: %w", from, err)
		}
	}
}
