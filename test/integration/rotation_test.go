// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/internal/authority"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// TestCertificateRotationUnderLoad rotates authority and serving certificate
// ten times while the API server calls the webhook without pause. The webhook
// is registered with Fail, so every failed call is a failed request.
func TestCertificateRotationUnderLoad(t *testing.T) {
	const rotations = 10
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "rotation", "gatehouse.sh/admission: enforce", "denied")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var calls, failed atomic.Int64
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				svc := &corev1.Service{
					ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("load-%d", i), Namespace: "rotation"},
					Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}, Selector: map[string]string{"app": "load"}},
				}
				err := c.api.Create(ctx, svc, client.DryRunAll)
				if ctx.Err() != nil {
					return
				}
				calls.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("a call failed: %v", err)
					return
				}
			}
		})
	}
	seen := map[string]bool{}
	key := client.ObjectKey{Namespace: own, Name: serve.SecretName}
	for n := range rotations {
		var secret corev1.Secret
		if err := c.api.Get(ctx, key, &secret); err != nil {
			t.Fatal(err)
		}
		before := string(secret.Data["authority.crt"])
		seen[before] = true
		c.kubectl(t, "", "-n", own, "annotate", "secret", serve.SecretName, "--overwrite", authority.RotateBefore+"="+time.Now().UTC().Format(time.RFC3339Nano))
		controlplane.Eventually(t, 30*time.Second, fmt.Sprintf("rotation %d is complete", n+1), func() error {
			if err := c.api.Get(ctx, key, &secret); err != nil {
				return err
			}
			if string(secret.Data["authority.crt"]) == before || len(secret.Data["previous-authority.crt"]) > 0 || len(secret.Data["next-authority.crt"]) > 0 {
				return fmt.Errorf("under way")
			}
			return nil
		})
	}
	stop()
	callers.Wait()
	if len(seen) != rotations {
		t.Errorf("%d authorities in %d rotations", len(seen), rotations)
	}
	if calls.Load() < 100 {
		t.Errorf("only %d calls: that is no load", calls.Load())
	}
	t.Logf("%d rotations, %d calls, %d failed", rotations, calls.Load(), failed.Load())
}
