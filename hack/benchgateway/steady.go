// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// steady is a load at a rate, which does not wait for who is late.
type steady struct {
	url     string
	tokens  string // a file with one a line; "": none
	rate    int    // requests a second
	seconds int
	conns   int
}

// lateness is how long answers took, in milliseconds.
type lateness struct{ P50, P99, Worst float64 }

// load asks at the rate, by some clients in turn, and says how late the answers are. A
// request that has to wait for the one before it is late from when it was due; one that
// is sent late since its client slept too long is not.
func (s *steady) load(ctx context.Context) (lateness, error) {
	tokens := []string{""}
	if s.tokens != "" {
		f, err := os.Open(s.tokens)
		if err != nil {
			return lateness{}, err
		}
		defer f.Close() //nolint:errcheck // it was only read
		tokens = tokens[:0]
		for lines := bufio.NewScanner(f); lines.Scan(); {
			tokens = append(tokens, "Bearer "+lines.Text())
		}
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: s.conns, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // its certificate was made for this
	defer client.CloseIdleConnections()
	var all []time.Duration
	var failed error
	var mu sync.Mutex
	var workers sync.WaitGroup
	began := time.Now().Add(100 * time.Millisecond)
	warm := began.Add(time.Second)
	for w := range s.conns {
		workers.Go(func() {
			var own []time.Duration
			for k := w; k < s.rate*(s.seconds+1); k += s.conns {
				due := began.Add(time.Duration(k) * time.Second / time.Duration(s.rate))
				from := due
				if wait := time.Until(due); wait > 0 {
					<-time.After(wait)
					from = time.Now()
				}
				err := s.ask(ctx, client, tokens[k%len(tokens)])
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				if due.After(warm) {
					own = append(own, time.Since(from))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
		})
	}
	workers.Wait()
	if failed != nil || len(all) == 0 {
		return lateness{}, errors.Join(errors.New("nothing was measured"), failed)
	}
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return lateness{P50: ms(all[len(all)/2]), P99: ms(all[len(all)*99/100]), Worst: ms(all[len(all)-1])}, nil
}

func (s *steady) ask(ctx context.Context, client *http.Client, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/", nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close() // all of it was read
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return err
}

// halfLoad compares how late answers are at half of what the gateway can do: straight
// from the backend, and by each contestant at the same rate.
func (o *options) halfLoad(ctx context.Context, out io.Writer, l layer, all []*runner, self, backend, population string) error {
	if l.tokens != nil && l.tokens.forged {
		return nil
	}
	half := 0
	for _, r := range all {
		if r.name == "gatehouse" {
			half = int(median(r.rate) / 2)
		}
	}
	if half == 0 {
		return nil
	}
	all = append([]*runner{{name: "nobody between", url: "http://" + backend}}, all...)
	got := map[string][]lateness{}
	for round := range o.rounds {
		for i := range all {
			r := all[(i+round)%len(all)]
			args := []string{"-c", "1", self, "-serve", "load", "-address", r.url, "-rate", strconv.Itoa(half), "-seconds", strconv.Itoa(o.seconds), "-connections", strconv.Itoa(o.conns)}
			if l.tokens != nil {
				args = append(args, "-keys", filepath.Join(population, "tokens"))
			}
			text, err := exec.CommandContext(ctx, "taskset", args...).Output() //nolint:gosec // this program
			if err != nil {
				return fmt.Errorf("%s at half load: %w: %s", r.name, err, text)
			}
			var one lateness
			if err := json.Unmarshal(text, &one); err != nil {
				return err
			}
			got[r.name] = append(got[r.name], one)
		}
	}
	if _, err := fmt.Fprintf(out, "\n%s at %d requests/s, half of the gateway's:\n\n| | p50 | p99 | worst | adds at p99 |\n|---|---|---|---|---|\n", l.name, half); err != nil {
		return err
	}
	of := func(name string, what func(lateness) float64) float64 {
		list := make([]float64, 0, len(got[name]))
		for _, one := range got[name] {
			list = append(list, what(one))
		}
		return median(list)
	}
	p99 := func(one lateness) float64 { return one.P99 }
	for _, r := range all {
		if _, err := fmt.Fprintf(out, "| %s | %.2f ms | %.2f ms | %.1f ms | %.2f ms |\n", r.name, of(r.name, func(one lateness) float64 { return one.P50 }), of(r.name, p99),
			of(r.name, func(one lateness) float64 { return one.Worst }), of(r.name, p99)-of(all[0].name, p99)); err != nil {
			return err
		}
	}
	return nil
}
