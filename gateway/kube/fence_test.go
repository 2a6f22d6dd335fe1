// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// guarded is a route and its policy, in the order in which they are applied.
const guarded = `
apiVersion: gatehouse.sh/v1alpha1
kind: AccessPolicy
metadata: {name: %[1]s, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: %[1]s}]
  authentication: {anyOf: [{name: nobody, anonymous: {}}]}
  authorization: {rules: [{name: inside, allow: {sourceRanges: [192.0.2.0/24]}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %[1]s, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [%[1]s.example.com]
  rules: [{backendRefs: [{name: web, port: 80}]}]
`

// installPolicies makes kinds of policies known.
func (c *cluster) installPolicies(t testing.TB) {
	t.Helper()
	for _, kind := range []string{"accesspolicies", "trafficpolicies", "clientpolicies"} {
		text, err := os.ReadFile("../../manifests/crd/gatehouse.sh_" + kind + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		c.apply(t, string(text))
	}
	controlplane.Eventually(t, time.Minute, "policies can be applied", func() error {
		_, problems, err := c.Kubectl(t.Context(), "get", "accesspolicies,trafficpolicies,clientpolicies", "--all-namespaces")
		if err != nil {
			return fmt.Errorf("%w: %s", err, problems)
		}
		return nil
	})
}

// outcomes asks for a host until it answers with a status of which some are the end, and
// returns the other statuses that it answered with before.
func outcomes(t *testing.T, url, host string, ends ...int) (end int, before []int) {
	t.Helper()
	controlplane.Eventually(t, 20*time.Second, fmt.Sprintf("%s answers with one of %d", host, ends), func() error {
		status, _, err := get(t, http.DefaultClient, url, host)
		switch {
		case err != nil:
			return err
		case slices.Contains(ends, status):
			end = status
			return nil
		case !slices.Contains(before, status):
			before = append(before, status)
		}
		return fmt.Errorf("it answers %d", status)
	})
	return end, before
}

// TestARouteIsServedWithThePolicyThatWasAppliedBefore: what comes of policies comes late,
// and a route waits for them, while what is served follows its endpoints.
func TestARouteIsServedWithThePolicyThatWasAppliedBefore(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.41.1:20080/"
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.installPolicies(t)
	lag := &controlplane.Lag{}
	g := c.serveAs(t, lag.Slow(c.limited(t)), "127.0.41.1")
	c.apply(t, shop+service(t))
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
	for name, late := range map[string]string{
		"one":   "accesspolicies", // its own policy
		"other": "",               // nothing: the nearest that is not late
	} {
		lag.Set(func(resource string) time.Duration {
			if resource == late {
				return time.Hour
			}
			return 0
		})
		waited := fencesOf(t, g, "waited")
		c.apply(t, fmt.Sprintf(guarded, name))
		if late != "" {
			host, port := backend(t, "while "+name+" waits")
			controlplane.Eventually(t, 20*time.Second, "the route waits", controlplane.Holds(func() bool { return fencesOf(t, g, "waited") > waited }))
			c.apply(t, slice("web", host, port))
			answers(t, http.DefaultClient, url, "shop.example.com", 200, "while "+name+" waits")
			answers(t, http.DefaultClient, url, name+".example.com", 404, "")
			lag.SetAll(0)
		}
		end, before := outcomes(t, url, name+".example.com", 200, 401, 403)
		if end != 403 || len(before) > 0 && !slices.Equal(before, []int{404}) {
			t.Errorf("%s answers %d after %d, want 403 after 404 at most", name, end, before)
		}
	}
	c.says(t, "HTTPRoute", "shop", "one", `["Accepted=True/Accepted","ResolvedRefs=True/ResolvedRefs"]`, "parents", "0", "conditions")
}

// TestWhatIsNewWaitsForAnAPIServerThatDoesNotTellItsPolicies: what is served goes on
// meanwhile, and what was removed goes.
func TestWhatIsNewWaitsForAnAPIServerThatDoesNotTellItsPolicies(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.42.1:20080/"
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	c.installPolicies(t)
	var silent atomic.Bool
	config := rest.CopyConfig(c.limited(t))
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return answering(func(req *http.Request) (*http.Response, error) {
			if silent.Load() && path.Base(req.URL.Path) == "trafficpolicies" && !req.URL.Query().Has("watch") {
				return nil, http.ErrHandlerTimeout
			}
			return next.RoundTrip(req)
		})
	})
	g := c.serveAs(t, config, "127.0.42.1")
	c.apply(t, shop+service(t))
	c.apply(t, strings.ReplaceAll(fmt.Sprintf(guarded, "old"), "192.0.2.0/24", "127.0.0.0/8"))
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
	answers(t, http.DefaultClient, url, "old.example.com", 200, "web")
	silent.Store(true)
	c.apply(t, strings.ReplaceAll(fmt.Sprintf(guarded, "new"), "192.0.2.0/24", "127.0.0.0/8"))
	controlplane.Eventually(t, 20*time.Second, "the API server has failed", controlplane.Holds(func() bool { return fencesOf(t, g, "failed") > 0 }))
	host, port := backend(t, "another")
	c.apply(t, slice("web", host, port))
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "another")
	answers(t, http.DefaultClient, url, "new.example.com", 404, "")
	c.remove(t, fmt.Sprintf(guarded, "old"))
	answers(t, http.DefaultClient, url, "old.example.com", 404, "")
	silent.Store(false)
	answers(t, http.DefaultClient, url, "new.example.com", 200, "another")
}

// TestARouteWaitsForThePolicyOfAKindThatIsNotWatchedYet: its definition, the policy and the
// route are applied one after the other, as a chart does.
func TestARouteWaitsForThePolicyOfAKindThatIsNotWatchedYet(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.43.1:20080/"
	c := start(t, controlplane.Options{})
	c.install(t, nil)
	g := c.serve(t, "127.0.43.1")
	c.apply(t, shop+service(t))
	answers(t, http.DefaultClient, url, "shop.example.com", 200, "web")
	c.installPolicies(t)
	c.apply(t, fmt.Sprintf(guarded, "one"))
	end, before := outcomes(t, url, "one.example.com", 200, 401, 403)
	if end != 403 || len(before) > 0 && !slices.Equal(before, []int{404}) {
		t.Errorf("it answers %d after %d, want 403 after 404 at most", end, before)
	}
	if fencesOf(t, g, "failed") > 0 {
		t.Error("that a kind is not there counts as a failure")
	}
}

// answering is a transport.
type answering func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (a answering) RoundTrip(req *http.Request) (*http.Response, error) { return a(req) }

// fencesOf is how often the API server was asked for its policies with an outcome.
func fencesOf(t *testing.T, g *gate, outcome string) int {
	t.Helper()
	var m dto.Metric
	if err := g.controller.metrics.fences.WithLabelValues(outcome).Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetCounter().GetValue())
}
