// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// repository is the root, seen from this package.
const repository = "../.."

func data(name string) string { return filepath.Join("testdata", name) }

// TestTheStory is one: each part stands on what the ones before have left.
func TestTheStory(t *testing.T) {
	h := enter(t)
	defer h.report(t)
	h.standIns(t)
	var before, after *Matrix
	var taken *capture
	for _, part := range []struct {
		name string
		tell func(t *testing.T)
	}{
		{"Gatehouse is installed as a user does", h.install},
		{"an application that is exposed past the gateway is refused", h.exposedBadly},
		{"through the gateway it is accepted and guarded", h.throughTheGateway},
		{"before the network plan everything reaches everything", func(t *testing.T) {
			before = h.survey(t)
			taken = &capture{targets: h.prey(t)}
			taken.before = h.compromised(t, taken.targets)
			everythingIsReached(t, before)
		}},
		{"a preview changes nothing", func(t *testing.T) { h.preview(t) }},
		{"an applied plan cuts what is not needed, and nothing else", func(t *testing.T) {
			h.apply(t)
			after = h.survey(t)
			onlyWhatIsNeededIsReached(t, before, after)
		}},
		{"whoever takes a Pod over gets nowhere", func(t *testing.T) {
			taken.after = h.compromised(t, taken.targets)
			taken.isCutOff(t)
		}},
		{"wider rights for what is exposed are refused", h.widerRights},
		{"what was seen is what the documents show", func(t *testing.T) { documents(t, before, after, taken) }},
		{"what breaks comes back, and nothing bad gets in", h.failures},
		{"uninstalled, nothing is left and the cluster works", func(t *testing.T) { h.uninstall(t, before) }},
	} {
		if !t.Run(part.name, part.tell) {
			t.Fatal("the rest of the story stands on this part")
		}
	}
}

func (h *house) install(t *testing.T) {
	h.must(t, "apply", "--server-side", "-k", *crdsPath)
	h.must(t, "apply", "-f", data("name-servers.yaml"), "-f", data("neighbour.yaml"))
	h.must(t, "apply", "-f", filepath.Join(repository, "manifests", "install.yaml"))
	h.must(t, "apply", "-k", filepath.Join(repository, "manifests", "gateway"))
	h.rolledOut(t, "gatehouse-system/gatehouse-webhook", "gatehouse-system/gatehouse-controller", "gatehouse-system/gatehouse-gateway",
		"kube-system/kube-dns", "neighbour/neighbour")
}

func (h *house) exposedBadly(t *testing.T) {
	h.must(t, "create", "namespace", "shop")
	h.must(t, "label", "namespace", "shop", "gatehouse.sh/admission=enforce")
	h.must(t, "apply", "-f", data("application.yaml"))
	h.refused(t, data("exposed.yaml"), 2, "EXP-001 node-port", "opens port 30080 on every node",
		"EXP-002 public-load-balancer", "set spec.type to ClusterIP and route to the Service through the gateway")
	services, err := h.client.CoreV1().Services("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range services.Items {
		if s := &services.Items[i]; s.Spec.Type != "ClusterIP" {
			t.Errorf("Service %s is there, of type %s", s.Name, s.Spec.Type)
		}
	}
	h.rolledOut(t, "shop/web", "shop/carts", "shop/database")
}

func (h *house) throughTheGateway(t *testing.T) {
	h.openDoor(t)
	h.must(t, "apply", "-f", data("door.yaml"), "-f", data("gateway.yaml"))
	h.must(t, "apply", "-f", data("route.yaml"))
	client := h.door.customer()
	ann, bob := h.door.token(t, "ann", ""), h.door.token(t, "bob", "")
	// The route may be known a moment before its policy.
	for _, wait := range []struct {
		what, token string
		status      int
	}{{"the route to be guarded", "", http.StatusUnauthorized}, {"the route to be served", h.door.token(t, "first", ""), http.StatusOK}} {
		until(t, wait.what, func() string {
			status, body, err := h.ask(t.Context(), client, wait.token)
			if err != nil {
				return err.Error()
			}
			if status != wait.status {
				return http.StatusText(status) + ": " + body
			}
			return ""
		})
	}
	// The limit is five an hour for each user.
	for n, ask := range []struct {
		who, token string
		want       int
	}{
		{"nobody", "", http.StatusUnauthorized},
		{"somebody with a forged token", ann[:len(ann)-8] + "AAAAAAAA", http.StatusUnauthorized},
		{"ann", ann, http.StatusOK},
		{"ann", ann, http.StatusOK},
		{"ann", ann, http.StatusOK},
		{"ann", ann, http.StatusOK},
		{"ann", ann, http.StatusOK},
		{"ann, once too often", ann, http.StatusTooManyRequests},
		{"bob, meanwhile", bob, http.StatusOK},
	} {
		status, body, err := h.ask(t.Context(), client, ask.token)
		if err != nil || status != ask.want {
			t.Fatalf("request %d, of %s: status %d, want %d (%v): %s", n, ask.who, status, ask.want, err, body)
		}
		if status == http.StatusOK {
			// web asked carts, which asked the database.
			for _, word := range []string{`web-`, `carts-`, `database-`, `for "` + ask.who[:3] + `"`} {
				if !strings.Contains(body, word) {
					t.Errorf("the answer to %s does not say %q: %s", ask.who, word, body)
				}
			}
		}
	}
}

func (h *house) widerRights(t *testing.T) {
	h.refused(t, data("wider.yaml"), 1, "XR-002 gateway-exposed-and-privileged", "internet -> HTTPRoute shop/web -> Service shop/web -> Deployment shop/web -> ServiceAccount shop/web")
	// The role alone is legal: it harms nobody until somebody has it.
	h.must(t, "delete", "clusterrole", "web-operator")
}

// documents holds the pages of the story to what was seen, or writes them.
func documents(t *testing.T, before, after *Matrix, taken *capture) {
	shown(t, map[string]string{"README.md": page(before, after, taken.targets, taken.before, taken.after), "matrix.svg": SVG(before, after)})
}

func planesDocument(t *testing.T, told []string) {
	shown(t, map[string]string{"data-planes.md": planesPage(told)})
}

// shown holds files of docs/e2e to what they are to say, or writes them.
func shown(t *testing.T, files map[string]string) {
	t.Helper()
	folder := filepath.Join(repository, "docs", "e2e")
	for name, want := range files {
		file := filepath.Join(folder, name)
		if *update {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what was seen: `make e2e ARGS=-update` writes it", file)
		}
	}
}
