// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatIsBeingWrittenIsNotServed: what a file says counts when two looks find it.
func TestWhatIsBeingWrittenIsNotServed(t *testing.T) {
	t.Parallel()
	const open, shut = "- {name: a, backends: [{name: b}]}\nbackends: [{name: b}]\n", "- {name: a, access: [p], backends: [{name: b}]}\nbackends: [{name: b}]\n" +
		"accessPolicies:\n- {name: p, authentication: {anyOf: [{name: n, anonymous: {}}]}, authorization: {rules: [{name: r, deny: {}}]}}\n"
	const listener = "listeners: [{name: l, address: \"127.0.0.1:1\", protocol: HTTP}]\nroutes:\n"
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(listener + "- {name: first, backends: [{name: b}]}\nbackends: [{name: b}]\n")
	before, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	busy := false
	apply := func(l Loaded) error {
		if busy {
			return errors.New("taken")
		}
		events = append(events, strings.Join(append([]string{"applied", l.Snapshot.Routes[0].Name}, l.Snapshot.Routes[0].Access...), " "))
		return nil
	}
	failed := func(err error) {
		text := err.Error()
		events = append(events, "failed "+text[strings.LastIndexByte(text, ' ')+1:])
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); Watch(ctx, file, time.Second, before, apply, failed) }()
		time.Sleep(time.Second / 2)
		for i, step := range []struct {
			text  string
			looks int
			want  string // what has come of it
		}{
			{listener + open, 1, ""}, // which is valid, and open
			{listener + shut, 1, ""},
			{listener + shut, 1, "applied a p"},
			{listener + shut, 3, ""},
			{listener + "- {", 1, ""},
			{listener + shut, 2, ""},
			{"listeners: 3", 1, ""},
			{"listeners: 3", 3, "failed ([]config.Listener)"}, // told once
			{listener + open, 2, "applied a"},
			{"", 1, ""},
			{listener + shut, 1, ""},
			{listener + open, 5, ""}, // and nothing was ever applied that was not there
		} {
			events = nil
			write(step.text)
			time.Sleep(time.Duration(step.looks) * time.Second)
			synctest.Wait()
			if got := strings.Join(events, ", "); got != step.want {
				t.Errorf("step %d: got %q, want %q", i, got, step.want)
			}
		}
		events, busy = nil, true
		write(listener + shut)
		time.Sleep(4 * time.Second)
		busy = false
		time.Sleep(time.Second)
		synctest.Wait()
		if got := strings.Join(events, ", "); got != "failed taken, applied a p" {
			t.Errorf("what cannot be served at first: got %q", got)
		}
		stop()
		<-done
	})
}
