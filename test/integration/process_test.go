// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
	"github.com/gatehouse-sh/gatehouse/test/registered"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// process is a webhook that runs in this test binary.
type process struct {
	url  string
	stop func()
}

// startWebhook registers and runs the webhook, and waits until it is ready.
func (c *cluster) startWebhook(t *testing.T) *process {
	t.Helper()
	port := program.Port(t)
	c.register(t, local(port))
	return c.runWebhook(t, port, c.lag)
}

// local is the base URL of a webhook on this machine.
func local(port int) string { return fmt.Sprintf("https://127.0.0.1:%d", port) }

// runWebhook runs one replica of the webhook, whose watches lag (nil: they do
// not), and waits until it is ready.
func (c *cluster) runWebhook(t *testing.T, port int, lag *controlplane.Lag) *process {
	t.Helper()
	probes := program.Port(t)
	o := serve.Options{
		Host: "127.0.0.1", Port: port, Metrics: "0", Probes: fmt.Sprintf("127.0.0.1:%d", probes),
		Namespace: own, Service: "gatehouse-webhook", Names: []string{"127.0.0.1"},
		CertInterval: 50 * time.Millisecond, CertOverlap: 300 * time.Millisecond, GuardGroups: []string{"system:masters"},
		Registry: prometheus.NewRegistry(),
	}
	config := c.RESTConfig()
	if lag != nil {
		config = lag.Slow(config)
	}
	log := testLog(t)
	p := &process{url: local(port), stop: controlplane.Run(t, func(ctx context.Context) error { return serve.Run(ctx, config, o, log) })}
	controlplane.Eventually(t, 60*time.Second, "the webhook is ready", func() error {
		return probe(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/readyz", probes))
	})
	return p
}

// register applies what the process needs to find: its namespace, its Secret
// and the webhook configurations.
func (c *cluster) register(t *testing.T, url string) {
	t.Helper()
	c.kubectl(t, registered.Documents(t, c.set, registration.Options{Namespace: own, Service: "gatehouse-webhook", URL: url, ValidateTimeout: 20, MutateTimeout: 20}), "apply", "-f", "-")
	t.Cleanup(func() { c.unregister(t) })
}

func (c *cluster) unregister(t *testing.T) {
	t.Helper()
	out, errOut, err := c.Kubectl(context.Background(), "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", registration.Name, "--ignore-not-found")
	if err != nil {
		t.Errorf("unregister: %v\n%s%s", err, out, errOut)
	}
}
