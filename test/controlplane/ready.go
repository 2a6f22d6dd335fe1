// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

// pollEvery is short against the seconds that a start takes.
const pollEvery = 50 * time.Millisecond

// answerLimit bounds one question, so that a component that hangs in one is
// asked again.
const answerLimit = 5 * time.Second

// maxAnswer is how many bytes of an answer an error shows.
const maxAnswer = 2 << 10

// prober asks components whether they are ready.
type prober struct{ client *http.Client }

func newProber(cp *ControlPlane) (*prober, error) {
	transport, err := rest.TransportFor(cp.config)
	if err != nil {
		return nil, fmt.Errorf("configure client: %w", err)
	}
	return &prober{client: &http.Client{Transport: transport, Timeout: answerLimit}}, nil
}

func (r *prober) close() { r.client.CloseIdleConnections() }

// wait returns when every URL has answered 200. It fails when ctx ends, or any
// of the running components does; the last of them is the one that is awaited.
func (r *prober) wait(ctx context.Context, running []*process, urls ...string) error {
	awaited := running[len(running)-1]
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for _, url := range urls {
		for {
			answer := r.ask(ctx, url)
			if answer == nil {
				break
			}
			for _, p := range running {
				if p.ended() {
					p.reported = true
					return p.failure()
				}
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for %s: %w: last answer of %s: %w%s",
					awaited.name, context.Cause(ctx), url, answer, awaited.tail())
			case <-tick.C:
			}
		}
	}
	return nil
}

// ask returns nil if the URL answers 200.
func (r *prober) ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}
