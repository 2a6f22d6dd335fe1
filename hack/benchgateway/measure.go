// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// runner is a contestant that runs, and what was measured of it.
type runner struct {
	name   string
	pid    int
	url    string
	script string // of wrk; "": GET /
	tokens *population
	sent   int       // tokens, by all loads together
	rate   []float64 // requests a second
	cost   []float64 // microseconds of processor time for one
	late   []float64 // 99th percentile in milliseconds
}

var (
	requests = regexp.MustCompile(`(\d+) requests in`)
	rate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	p99      = regexp.MustCompile(`99%\s+([\d.]+)(us|ms|s)`)
)

// measure loads a contestant for some seconds, after a short time to get warm.
func (r *runner) measure(ctx context.Context, o *options) error {
	load := func(seconds int) (string, error) {
		args := []string{"-c", "1", "wrk", "-t1", "-c", strconv.Itoa(o.conns), "-d", strconv.Itoa(seconds) + "s", "--latency"}
		if r.script != "" {
			args = append(args, "-s", r.script)
		}
		args = append(args, r.url+"/")
		if r.tokens != nil {
			args = append(args, "--", strconv.Itoa(r.from()))
		}
		text, err := exec.CommandContext(ctx, "taskset", args...).CombinedOutput() //nolint:gosec // its own address
		if n := requests.FindSubmatch(text); n != nil {
			count, _ := strconv.Atoi(string(n[1])) // digits, by the expression
			r.sent += count + o.conns              // who waited when it ended is not counted
		}
		if r.tokens != nil && r.tokens.once && r.sent > r.tokens.live {
			return "", fmt.Errorf("%d tokens are too few to send none twice: take fewer rounds or seconds", r.tokens.live)
		}
		return string(text), err
	}
	if _, err := load(1); err != nil {
		return err
	}
	before, err := cpu(r.pid)
	if err != nil {
		return err
	}
	text, err := load(o.seconds)
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	after, err := cpu(r.pid)
	if err != nil {
		return err
	}
	// HAProxy closes the connection of a request that it refuses.
	refused := r.tokens != nil && r.tokens.forged
	if strings.Contains(text, "Non-2xx") != refused || strings.Contains(text, "Socket errors") && !refused {
		return fmt.Errorf("requests failed: %s", text)
	}
	n, perSecond, late := requests.FindStringSubmatch(text), rate.FindStringSubmatch(text), p99.FindStringSubmatch(text)
	if n == nil || perSecond == nil || late == nil {
		return fmt.Errorf("wrk says %q", text)
	}
	count, _ := strconv.ParseFloat(n[1], 64) // digits, by the expressions
	value, _ := strconv.ParseFloat(perSecond[1], 64)
	ms, _ := strconv.ParseFloat(late[1], 64)
	r.rate = append(r.rate, value)
	r.cost = append(r.cost, float64((after-before).Microseconds())/count)
	r.late = append(r.late, ms*map[string]float64{"us": 0.001, "ms": 1, "s": 1000}[late[2]])
	return nil
}

// from is where among the tokens a load begins: anywhere, or where the one before ended.
func (r *runner) from() int {
	if r.tokens.once {
		return r.sent
	}
	return rand.IntN(r.tokens.live) //nolint:gosec // no secret
}

// cpu is the processor time that a process has used. The clock ticks 100 times a second
// (proc(5)).
func cpu(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const user, system = 11, 12 // of those behind the name
	if len(fields) <= system {
		return 0, fmt.Errorf("%q", text)
	}
	u, err := strconv.Atoi(fields[user])
	if err != nil {
		return 0, err
	}
	s, err := strconv.Atoi(fields[system])
	return time.Duration(u+s) * 10 * time.Millisecond, err
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// table writes what was measured as Markdown, and how it compares with HAProxy.
func table(out io.Writer, l layer, o *options, all []*runner) error {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "\n%s: %s. %d rounds of %d s, %d connections, load of the machine at the end %s\n\n| | requests/s | lowest, highest | CPU per request | p99 | of HAProxy's requests/s |\n|---|---|---|---|---|---|\n",
		l.name, l.what, o.rounds, o.seconds, o.conns, strings.TrimSpace(string(load))); err != nil {
		return err
	}
	reference := 0.0
	for _, r := range all {
		if r.name == "haproxy" {
			reference = median(r.rate)
		}
	}
	for _, r := range all {
		ratio := "-"
		if reference > 0 {
			ratio = fmt.Sprintf("%.2f", median(r.rate)/reference)
		}
		if _, err := fmt.Fprintf(out, "| %s | %.0f | %.0f, %.0f | %.0f us | %.1f ms | %s |\n", r.name, median(r.rate), slices.Min(r.rate), slices.Max(r.rate), median(r.cost), median(r.late), ratio); err != nil {
			return err
		}
	}
	return nil
}
