// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// What policies deny is dropped, so only time tells. A connection of one machine takes
// milliseconds; a busy machine gets two tries of this long.
const (
	patience = 3 * time.Second
	tries    = 2
)

// dial asks all targets at once, and writes a line for each, in their order: the
// target and one of open, refused, unreachable, dropped. Refused is an answer: the
// packets arrived.
func dial(targets []string) error {
	answers := make([]string, len(targets))
	errs := make([]error, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() { answers[i], errs[i] = ask(target) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, target := range targets {
		if _, err := fmt.Fprintln(os.Stdout, target, answers[i]); err != nil {
			return fmt.Errorf("tell: %w", err)
		}
	}
	return nil
}

func ask(target string) (string, error) {
	network, address, found := strings.Cut(target, ":")
	if !found || network != "tcp" && network != "udp" {
		return "", fmt.Errorf("%q is neither tcp:ADDRESS:PORT nor udp:ADDRESS:PORT", target)
	}
	var err error
	for range tries {
		if err = once(network, address); err == nil {
			return "open", nil
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			return "refused", nil
		}
	}
	if late, is := errors.AsType[net.Error](err); is && late.Timeout() {
		return "dropped", nil
	}
	if errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EPERM) {
		return "unreachable", nil
	}
	return "", fmt.Errorf("%s: %w", target, err)
}

// once connects; by UDP it waits for an answer as well.
func once(network, address string) error {
	c, err := net.DialTimeout(network, address, patience) //nolint:noctx,gosec // it is bounded; to connect where it is told is what it is for
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is written any more
	if network == "tcp" {
		return nil
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("are you there?")); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 64))
	return err
}
