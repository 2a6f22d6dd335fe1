// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/kube"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/internal/authority"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// TestTheClockOfAnotherProcessJumps: it stores what its clock says, and ends; the clock of
// this machine is nobody's to move. What is stored is as wrong for the others as if their
// own clock had jumped the other way.
func TestTheClockOfAnotherProcessJumps(t *testing.T) {
	h := newHouse(t)
	h.webhook(t, h.RESTConfig())
	w := h.startWriter(t)
	rows := newTable(t)
	for name, off := range map[string]time.Duration{"a day ahead": 24 * time.Hour, "a year behind": -365 * 24 * time.Hour} {
		t.Run("certificates, "+name, func(t *testing.T) {
			began := time.Now()
			h.certify(t, began.Add(off))
			took := withinLimit(t, w.recovered(t, began))
			rows.add(row{broken: "another replica stores certificates of the webhook, its clock " + name, after: took, held: "see the last row"})
		})
		t.Run("a Lease, "+name, func(t *testing.T) {
			took := withinLimit(t, h.inherit(t, time.Now().Add(off)))
			rows.add(row{broken: "who leads the gateways ends, its clock " + name, after: took, held: "another one leads"})
		})
	}
	rows.add(row{broken: "all of these", held: w.stop(t)})
}

// certify stores certificates as a replica does whose clock says so.
func (h *house) certify(t *testing.T, clock time.Time) {
	t.Helper()
	secrets := h.client.CoreV1().Secrets(own)
	controlplane.Eventually(t, patience, "the certificates are stored", func() error {
		secret, err := secrets.Get(t.Context(), serve.SecretName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		names := []string{"gatehouse-webhook.gatehouse-system.svc", "127.0.0.1"}
		state, changed, err := authority.State{}.Advance(clock, authority.DefaultConfig("gatehouse-webhook", names...), nil, time.Time{})
		if err != nil || !changed {
			return fmt.Errorf("changed is %v: %w", changed, err)
		}
		if err := authority.Write(secret, state); err != nil {
			return err
		}
		_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
		return err
	})
	controlplane.Eventually(t, patience, "others replace them", func() error {
		secret, err := secrets.Get(t.Context(), serve.SecretName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return valid(secret)
	})
}

// valid tells why nobody trusts what is stored now.
func valid(secret *corev1.Secret) error {
	state := authority.Read(secret)
	pair, err := tls.X509KeyPair(state.Leaf.Cert, state.Leaf.Key)
	if err != nil {
		return err
	}
	return authority.Verify(pair.Leaf, state.Bundle(), "127.0.0.1", time.Now())
}

// inherit takes a Lease over whose holder has ended, and whose clock said so when it
// renewed it last. It returns how long that took.
func (h *house) inherit(t *testing.T, renewed time.Time) time.Duration {
	t.Helper()
	name := translate.Name{Namespace: own, Name: fmt.Sprintf("gateway-%d", renewed.Unix())}
	holder, seconds, at := "gone", int32(15), metav1.NewMicroTime(renewed)
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &at, RenewTime: &at},
	}
	if _, err := h.client.CoordinationV1().Leases(name.Namespace).Create(t.Context(), lease, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	began, leads := time.Now(), make(chan struct{})
	stop := controlplane.Run(t, func(ctx context.Context) error {
		return kube.Lead(ctx, h.RESTConfig(), name, "heir", logr.Discard(), func(ctx context.Context) error {
			close(leads)
			<-ctx.Done()
			return nil
		})
	})
	select {
	case <-leads:
	case <-time.After(patience):
		t.Fatal("nobody leads")
	}
	took := time.Since(began)
	stop()
	return took
}
