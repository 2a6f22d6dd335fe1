// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
)

// lazy is a control plane that starts when a test first asks for it.
type lazy struct {
	mu      sync.Mutex
	options *Options // nil outside Main
	started bool
	cp      *ControlPlane
	err     error
}

// shared is the control plane of this test binary. It is a package variable
// because TestMain and the tests have nothing else in common.
var shared lazy

// Main runs the tests of a package with one control plane for all of them,
// which starts at the first Get and stops after the last test. It is all that
// TestMain does:
//
//	func TestMain(m *testing.M) { controlplane.Main(m) }
//
// It ends the process. A control plane that does not stop cleanly fails the run.
func Main(m *testing.M) { MainWith(m, Options{Log: os.Stderr}) }

// MainWith is Main with options.
func MainWith(m *testing.M, options Options) {
	shared.mu.Lock()
	shared.options = &options
	shared.mu.Unlock()
	code := m.Run()
	if err := shared.stop(); err != nil {
		logf(os.Stderr, "stop control plane: %v", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Get returns the control plane of this test binary. Tests share it, so each
// makes a namespace of its own and removes the cluster-scoped objects it
// makes. It fails the test if there is no control plane.
func Get(t testing.TB) *ControlPlane {
	t.Helper()
	cp, err := shared.get()
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

func (l *lazy) get() (*ControlPlane, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.options == nil {
		return nil, errors.New("get control plane: TestMain of this package must call controlplane.Main")
	}
	if !l.started {
		l.started = true
		// Not the context of a test: the control plane outlives it.
		l.cp, l.err = Start(context.Background(), *l.options)
	}
	return l.cp, l.err
}

func (l *lazy) stop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cp == nil {
		return nil
	}
	return l.cp.Stop()
}
