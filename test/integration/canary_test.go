// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// TestTheCanary runs webhook and controller together, and then the controller
// alone.
func TestTheCanary(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	webhook := c.startWebhook(t)
	const ns = "gatehouse-canary"
	c.optIn(t, ns, "gatehouse.sh/admission: enforce", "denied")
	p := c.startController(t, serve.Options{Canary: ns, URL: webhook.url})
	outcome := func(want string, enforcing float64) func() error {
		return func() error {
			got, _ := p.value(t, "gatehouse_enforcing", nil)
			if n, _ := p.value(t, "gatehouse_canary_outcome", map[string]string{"outcome": want}); n != 1 || got != enforcing {
				return fmt.Errorf("enforcing %v, outcome %s: %v", got, want, n)
			}
			return nil
		}
	}
	controlplane.Eventually(t, 30*time.Second, "the canary is refused", outcome("refused", 1))
	if got := c.kubectl(t, "", "get", "services", "-n", ns, "-o", "name"); got != "" && !strings.Contains(got, "No resources") {
		t.Errorf("a canary was stored: %s", got)
	}

	tampered := func(kind string, want float64) func() error {
		return func() error {
			if got, found := p.value(t, "gatehouse_registration_tampered", map[string]string{"object": kind}); !found || got != want {
				return fmt.Errorf("%s: %v, want %v", kind, got, want)
			}
			return nil
		}
	}
	const validating = "ValidatingWebhookConfiguration"
	controlplane.Eventually(t, soon, "the registration is as it should be", tampered(validating, 0))
	c.kubectl(t, "", "patch", "validatingwebhookconfiguration", "gatehouse", "--type=json", "-p", `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`)
	controlplane.Eventually(t, soon, "a changed failurePolicy is seen", tampered(validating, 1))
	controlplane.Eventually(t, soon, "an Event tells of it", func() error {
		out := c.kubectl(t, "", "describe", "validatingwebhookconfiguration", "gatehouse")
		if !strings.Contains(out, "RegistrationTampered") || !strings.Contains(out, "has failurePolicy Ignore, not Fail") {
			return fmt.Errorf("%s", out[max(0, len(out)-600):])
		}
		return nil
	})
	c.kubectl(t, "", "patch", "validatingwebhookconfiguration", "gatehouse", "--type=json", "-p", `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}]`)
	controlplane.Eventually(t, soon, "it is seen when it is put right", tampered(validating, 0))
	c.kubectl(t, "", "delete", "mutatingwebhookconfiguration", "gatehouse")
	controlplane.Eventually(t, soon, "a missing configuration is seen", tampered("MutatingWebhookConfiguration", 1))

	webhook.stop()
	p.stop()
	p = c.startController(t, serve.Options{Canary: ns, URL: webhook.url})
	controlplane.Eventually(t, 60*time.Second, "a canary without webhook is no proof", outcome("unreachable", 0))
	c.unregister(t)
	p.stop()
	p = c.startController(t, serve.Options{Canary: ns, URL: webhook.url})
	controlplane.Eventually(t, 60*time.Second, "a canary without registration comes back alive", outcome("accepted", 0))
}
