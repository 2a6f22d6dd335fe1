// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/authority"
)

// TestFollowingAFolder shows that a certificate made by somebody else is picked
// up, that a broken one is refused while the good one stays, and that readiness
// needs the registered bundle.
func TestFollowingAFolder(t *testing.T) {
	t.Parallel()
	now := time.Now()
	state, _, err := authority.State{}.Advance(now, config, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := &Manager{Dir: dir, Serving: &Serving{}}
	if err := m.Once(t.Context()); err == nil {
		t.Error("an empty folder is accepted")
	}
	put("tls.crt", state.Leaf.Cert)
	put("tls.key", state.Leaf.Key)
	if err := m.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Serving.Ready(config.Names[0], now); err == nil {
		t.Error("ready before a registration was read")
	}
	if err := m.Serving.set(state.Leaf, [][]byte{state.Bundle()}); err != nil {
		t.Fatal(err)
	}
	if err := m.Serving.Ready(config.Names[0], now); err != nil {
		t.Errorf("not ready: %v", err)
	}
	if err := m.Serving.Ready("another.example.com", now); err == nil {
		t.Error("ready under a name that the certificate does not have")
	}
	before := m.Serving.Leaf()
	put("tls.crt", []byte("broken"))
	if err := m.Once(t.Context()); err == nil {
		t.Error("a broken certificate is accepted")
	}
	if after := m.Serving.Leaf(); after == nil || !bytes.Equal(after.Raw, before.Raw) {
		t.Error("the good certificate was given up for a broken one")
	}
}
