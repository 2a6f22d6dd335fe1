// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestOneOfTwoLeads: the second begins when the first has ended what it did, with no more
// rights than the manifests give. Who has lost the Lease ends what it did, and leads again when
// nobody else does.
func TestOneOfTwoLeads(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	cfg := c.limited(t)
	rights, err := os.ReadFile(handOver)
	if err != nil {
		t.Fatal(err)
	}
	c.apply(t, string(rights))
	lease := translate.Name{Namespace: "gatehouse-system", Name: "gatehouse-gateway"}
	began, ended, returned := make(chan string, 2), make(chan string, 2), make(chan error, 3)
	lead := func(self string) context.CancelFunc {
		ctx, cancel := contextOf(t)
		go func() {
			returned <- Lead(ctx, cfg, lease, self, logr.Discard(), func(ctx context.Context) error {
				began <- self
				<-ctx.Done()
				ended <- self
				return errors.New("it went wrong")
			})
		}()
		t.Cleanup(cancel)
		return cancel
	}
	is := func(from <-chan string, want, what string) {
		t.Helper()
		if who := <-from; who != want {
			t.Fatalf("%s %s, want %s", who, what, want)
		}
	}
	first := lead("first")
	is(began, "first", "leads")
	second := lead("second")
	select {
	case who := <-began:
		t.Fatalf("%s leads, and the first has not ended", who)
	case <-time.After(2 * leaseRetries): // more than a try of the second
	}
	first()
	is(ended, "first", "has ended")
	is(began, "second", "leads")
	second()
	is(ended, "second", "has ended")
	for range 2 {
		if err := <-returned; err != nil {
			t.Errorf("returned %v", err)
		}
	}
	third := lead("third")
	is(began, "third", "leads")
	c.apply(t, "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: gatehouse-gateway, namespace: gatehouse-system}, spec: {holderIdentity: fourth, leaseDurationSeconds: 1}}")
	is(ended, "third", "has ended")
	is(began, "third", "leads") // the fourth does not renew it
	third()
	is(ended, "third", "has ended")
}
