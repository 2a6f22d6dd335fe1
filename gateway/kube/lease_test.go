// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestOneOfTwoLeads: the second begins when the first has ended what it did, with no more
// rights than the manifests give.
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
	began, ended := make(chan string, 2), make(chan error, 2)
	lead := func(self string, fault error) context.CancelFunc {
		ctx, cancel := contextOf(t)
		go func() {
			ended <- Lead(ctx, cfg, lease, self, logr.Discard(), func(ctx context.Context) error {
				began <- self
				<-ctx.Done()
				return fault
			})
		}()
		t.Cleanup(cancel)
		return cancel
	}
	fault := errors.New("it went wrong")
	first := lead("first", fault)
	if who := <-began; who != "first" {
		t.Fatalf("%s leads", who)
	}
	second := lead("second", nil)
	select {
	case who := <-began:
		t.Fatalf("%s leads, and the first has not ended", who)
	case <-time.After(2 * leaseRetries): // more than a try of the second
	}
	first()
	if err := <-ended; !errors.Is(err, fault) {
		t.Errorf("the first has ended with %v", err)
	}
	if who := <-began; who != "second" {
		t.Errorf("%s leads", who)
	}
	second()
	if err := <-ended; err != nil {
		t.Errorf("the second has ended with %v", err)
	}
	lead("third", nil)
	if who := <-began; who != "third" {
		t.Errorf("%s leads", who)
	}
	c.apply(t, "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: gatehouse-gateway, namespace: gatehouse-system}, spec: {holderIdentity: fourth, leaseDurationSeconds: 15}}")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "was lost") {
		t.Errorf("the third has ended with %v", err)
	}
}
