// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// needed are the connections of the application, and of nobody else, to and from its
// Pods.
func needed() map[string][]string {
	names := []string{"kube-dns:53", "kube-dns:53 UDP"}
	return map[string][]string{
		"gateway":  {"web:8080"},
		"web":      append([]string{"carts:8080", "Service carts"}, names...),
		"carts":    append([]string{"database:5432", "Service database"}, names...),
		"database": names,
	}
}

func ofTheShop(workload string) bool {
	return slices.Contains([]string{"web", "carts", "database"}, workload)
}

// everythingIsReached is what a cluster without policies is like.
func everythingIsReached(t *testing.T, m *Matrix) {
	t.Helper()
	tried, arrived := m.Count()
	t.Logf("%d connections tried, %d arrived", tried, arrived)
	for from, row := range m.Cells {
		for _, target := range m.Targets {
			outcome := row[target.Name]
			// Gatehouse's own namespace denies, before any plan.
			own := slices.Contains([]string{"gateway", "webhook", "controller"}, from) || slices.Contains([]string{"webhook", "controller"}, target.Of)
			if outcome != Skipped && !Arrives(outcome) && !own {
				t.Errorf("%s does not reach %s: %s", from, target.Name, outcome)
			}
		}
	}
}

func (h *house) phase(t *testing.T) string {
	t.Helper()
	out, err := h.kubectl(t, "get", "networkplan", "default", "-n", "shop", "-o", `jsonpath={.status.phase} {.status.message}`)
	if err != nil {
		return err.Error()
	}
	return out
}

func (h *house) preview(t *testing.T) {
	h.must(t, "label", "namespace", "shop", "gatehouse.sh/network=preview")
	until(t, "the preview", func() string {
		if p := h.phase(t); !strings.HasPrefix(p, "Previewed") {
			return p
		}
		return ""
	})
	if n := h.policies(t); n != 0 {
		t.Errorf("a preview wrote %d policies", n)
	}
}

func (h *house) policies(t *testing.T) int {
	t.Helper()
	list, err := h.client.NetworkingV1().NetworkPolicies("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}

// apply puts the plan in force while customers go on.
func (h *house) apply(t *testing.T) {
	customers := h.startTraffic(t)
	h.must(t, "apply", "-n", "shop", "-k", repository+"/manifests/network-namespace")
	h.must(t, "label", "--overwrite", "namespace", "shop", "gatehouse.sh/network=apply")
	until(t, "the plan to be applied", func() string {
		if p := h.phase(t); !strings.HasPrefix(p, "Applied") {
			return p
		}
		return ""
	})
	customers.unharmed(t)
	if n := h.policies(t); n == 0 {
		t.Error("the plan is applied, and there are no policies")
	}
}

// onlyWhatIsNeededIsReached holds what was seen to what the application needs. What
// has nothing to do with its namespace is as it was.
func onlyWhatIsNeededIsReached(t *testing.T, before, after *Matrix) {
	t.Helper()
	tried, arrived := after.Count()
	t.Logf("%d connections tried, %d arrived", tried, arrived)
	cut := 0
	for from, row := range after.Cells {
		for _, target := range after.Targets {
			was, is := before.Cells[from][target.Name], row[target.Name]
			if is == Skipped {
				continue
			}
			if Arrives(was) && !Arrives(is) {
				cut++
			}
			switch {
			case !ofTheShop(from) && !ofTheShop(target.Of):
				if Arrives(was) != Arrives(is) {
					t.Errorf("%s to %s has nothing to do with the plan, and was %s and is %s", from, target.Name, was, is)
				}
			case slices.Contains(needed()[from], target.Name):
				if !Arrives(is) {
					t.Errorf("%s needs %s: %s", from, target.Name, is)
				}
			case Arrives(is):
				t.Errorf("%s does not need %s, and reaches it", from, target.Name)
			}
		}
	}
	if cut == 0 {
		t.Error("the plan cut nothing")
	}
	t.Logf("the plan cut %d connections", cut)
}

// capture is what somebody reaches who has taken the Pod web over.
type capture struct {
	targets       []Target
	before, after map[string]string
}

// compromised looks from within the container, as its attacker would.
func (h *house) compromised(t *testing.T, prey []Target) map[string]string {
	t.Helper()
	cells, err := h.look(t.Context(), "web", prey, func(ctx context.Context, args ...string) (string, error) {
		return run(ctx, *kubectlPath, append([]string{"exec", "-n", "shop", "deploy/web", "--", "/probe"}, args...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// prey is what attackers want, and one thing that the application needs.
func (h *house) prey(t *testing.T) []Target {
	t.Helper()
	ips := map[string]string{}
	for _, s := range h.stands(t) {
		ips[s.name] = s.ip
	}
	return append([]Target{
		{Name: "carts, which it needs", Dial: "tcp:10.96.100.2:8080"},
		{Name: "the debug port of carts", Dial: "tcp:" + ips["carts"] + ":9090"},
		{Name: "the database", Dial: "tcp:" + ips["database"] + ":5432"},
		{Name: "another namespace", Dial: "tcp:" + ips["neighbour"] + ":8080"},
		{Name: "the webhook of Gatehouse", Dial: "tcp:" + ips["webhook"] + ":9443"},
		{Name: "the gateway, from within", Dial: "tcp:" + ips["gateway"] + ":8443"},
	}, targetsOfAttackers()...)
}

func targetsOfAttackers() []Target {
	return []Target{
		{Name: "the API server", Dial: "tcp:10.96.0.1:443"},
		{Name: "the API server, at its own address", Dial: "tcp:10.200.0.2:6443"},
		{Name: "the kubelet", Dial: "tcp:10.200.0.2:10250"},
		{Name: "the metadata of the cloud", Dial: "tcp:169.254.169.254:80"},
		{Name: "the internet, HTTPS", Dial: "tcp:203.0.113.10:443"},
		{Name: "the internet, a name server", Dial: "udp:198.51.100.10:53"},
	}
}

func (c *capture) isCutOff(t *testing.T) {
	t.Helper()
	asked := 0
	for name, was := range c.before {
		asked++
		is := c.after[name]
		if needs := name == "carts, which it needs"; Arrives(is) != needs {
			t.Errorf("from the Pod that was taken over, %s was %s and is %s", name, was, is)
		}
		if !Arrives(was) {
			t.Errorf("before, %s was %s already: nothing is shown by that", name, was)
		}
	}
	if asked == 0 {
		t.Error("nothing was asked")
	}
}
