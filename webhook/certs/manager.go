// SPDX-License-Identifier: Apache-2.0

// Package certs keeps the webhook's own certificate authority and serving
// certificate (internal/authority) in step with the registrations, and serves the
// latter.
package certs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/internal/authority"
)

// Registration is an object whose caBundles are kept in step with the Secret: a
// webhook configuration. Bundles returns pointers into the object.
type Registration struct {
	Object  client.Object
	Bundles func(client.Object) []*[]byte
}

// Manager keeps Secret, registrations and the served certificate in step. Every
// replica runs one; the Secret's resourceVersion decides which of them writes,
// so no leader is needed.
type Manager struct {
	Client        client.Client // uncached
	Secret        client.ObjectKey
	Registrations []Registration
	Config        authority.Config
	Dir           string        // where somebody else puts tls.crt and tls.key; Secret and Config are not used then
	Interval      time.Duration // how often replicas look; 10 s when zero
	Serving       *Serving
	Log           logr.Logger
}

// Start looks at once and then in every interval, until ctx ends.
func (m *Manager) Start(ctx context.Context) error {
	interval := m.Interval
	if interval == 0 {
		interval = 10 * time.Second
	}
	failing := ""
	for {
		switch err := m.Once(ctx); {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end was asked for
		case err == nil:
			failing = ""
		case err.Error() != failing: // say it once, not in every interval
			failing = err.Error()
			m.Log.Error(err, "keeping certificates in step")
		}
		timer := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// NeedLeaderElection says that every replica runs the manager.
func (m *Manager) NeedLeaderElection() bool { return false }

// Once does one step: it reads the Secret, moves the state on, publishes the
// bundle and swaps the served certificate. A lost race against another replica
// is not an error; the next look sees what that one wrote.
func (m *Manager) Once(ctx context.Context) error {
	if m.Dir != "" {
		return m.follow(ctx)
	}
	var secret corev1.Secret
	if err := m.Client.Get(ctx, m.Secret, &secret); err != nil {
		return fmt.Errorf("read certificate secret: %w", err)
	}
	published, err := m.published(ctx)
	if err != nil {
		return err
	}
	before, err := authority.Rotated(&secret)
	if err != nil {
		m.Log.Error(err, "certificate secret", "secret", m.Secret.String())
	}
	state, changed, err := authority.Read(&secret).Advance(time.Now(), m.Config, common(published), before)
	if err != nil {
		return fmt.Errorf("advance certificates: %w", err)
	}
	if changed {
		if err := authority.Write(&secret, state); err != nil {
			return err
		}
		if err := m.Client.Update(ctx, &secret); err != nil {
			if apierrors.IsConflict(err) {
				return nil
			}
			return fmt.Errorf("write certificate secret: %w", err)
		}
		m.Log.Info("certificates changed", "authoritySince", state.AuthoritySince, "nextTrusted", !state.Next.Empty(), "previousTrusted", !state.Previous.Empty())
	}
	if err := m.publish(ctx, state.Bundle()); err != nil {
		return err
	}
	if published, err = m.published(ctx); err != nil {
		return err
	}
	return m.Serving.set(state.Leaf, published)
}

// follow serves what somebody else writes into the folder, such as cert-manager,
// who also keeps the registrations.
func (m *Manager) follow(ctx context.Context) error {
	var leaf authority.Pair
	for _, file := range []struct {
		name string
		into *[]byte
	}{{"tls.crt", &leaf.Cert}, {"tls.key", &leaf.Key}} {
		raw, err := os.ReadFile(filepath.Join(m.Dir, file.name))
		if err != nil {
			return fmt.Errorf("read serving certificate: %w", err)
		}
		*file.into = raw
	}
	published, err := m.published(ctx)
	if err != nil {
		return err
	}
	return m.Serving.set(leaf, published)
}

// published reads the bundles that the registrations carry.
func (m *Manager) published(ctx context.Context) ([][]byte, error) {
	var out [][]byte
	for _, r := range m.Registrations {
		if err := m.Client.Get(ctx, client.ObjectKeyFromObject(r.Object), r.Object); err != nil {
			return nil, fmt.Errorf("read registration %s: %w", r.Object.GetName(), err)
		}
		for _, b := range r.Bundles(r.Object) {
			out = append(out, *b)
		}
	}
	return out, nil
}

// common returns the certificates that every bundle holds. Bundles are written
// whole by publish, so a bundle that differs is simply not the common one yet.
func common(bundles [][]byte) []byte {
	for _, b := range bundles[min(1, len(bundles)):] {
		if !bytes.Equal(b, bundles[0]) {
			return nil
		}
	}
	if len(bundles) == 0 {
		return nil
	}
	return bundles[0]
}

// publish writes the bundle into every registration that lacks it. Nothing else
// of a registration is touched: it belongs to whoever applied it.
func (m *Manager) publish(ctx context.Context, bundle []byte) error {
	for _, r := range m.Registrations {
		base, ok := r.Object.DeepCopyObject().(client.Object)
		if !ok {
			return fmt.Errorf("registration %s is not an object", r.Object.GetName())
		}
		stale := false
		for _, b := range r.Bundles(r.Object) {
			if !bytes.Equal(*b, bundle) {
				*b, stale = bytes.Clone(bundle), true
			}
		}
		if !stale {
			continue
		}
		if err := m.Client.Patch(ctx, r.Object, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
			if apierrors.IsConflict(err) {
				continue
			}
			return fmt.Errorf("publish CA bundle in %s: %w", r.Object.GetName(), err)
		}
	}
	return nil
}
