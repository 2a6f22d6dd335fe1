// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// uninstall takes Gatehouse out as docs/operations.md and docs/cli.md say, and wants
// the cluster as it was.
func (h *house) uninstall(t *testing.T, before *Matrix) {
	h.must(t, "label", "namespace", "shop", "gatehouse.sh/network-")
	h.must(t, "delete", "networkplan", "default", "-n", "shop", "--ignore-not-found")
	until(t, "the policies to be withdrawn", func() string {
		if n := h.policies(t); n != 0 {
			return "some are there"
		}
		return ""
	})
	h.must(t, "delete", "-f", data("route.yaml"), "-f", data("gateway.yaml"), "-f", data("door.yaml"))
	h.must(t, "delete", "-k", filepath.Join(repository, "manifests", "gateway"))
	h.must(t, "delete", "-n", "shop", "-k", filepath.Join(repository, "manifests", "network-namespace"))
	h.must(t, "delete", "rolebinding", "gatehouse-gateway", "-n", "shop")
	h.takeOut(t)
	h.must(t, "label", "namespace", "shop", "gatehouse.sh/admission-")
	h.clusterWorks(t, before)
}

// takeOut has the command line say what to delete, deletes it, and wants nothing left.
func (h *house) takeOut(t *testing.T) {
	t.Helper()
	out, err := run(t.Context(), *programPath, "uninstall")
	if err != nil {
		t.Fatal(err)
	}
	// It ends with the line for the rest.
	_, rest, found := strings.Cut(out, "kubectl delete ")
	if !found {
		t.Fatalf("uninstall does not say how to go on: %s", out)
	}
	rest, _, _ = strings.Cut(rest, "\n")
	h.must(t, append([]string{"delete"}, strings.Fields(rest)...)...)
	h.nothingIsLeft(t)
}

// nothingIsLeft asks for every object of every kind.
func (h *house) nothingIsLeft(t *testing.T) {
	t.Helper()
	kinds := strings.Fields(h.must(t, "api-resources", "--verbs=list", "-o", "name"))
	kinds = slices.DeleteFunc(kinds, func(k string) bool { return strings.HasPrefix(k, "events") })
	if len(kinds) == 0 {
		t.Fatal("the cluster has no kinds")
	}
	until(t, "nothing of Gatehouse to be left", func() string {
		names := h.must(t, "get", strings.Join(kinds, ","), "-A", "-o", "name", "--ignore-not-found")
		var left []string
		for name := range strings.Lines(names) {
			if strings.Contains(name, "gatehouse") {
				left = append(left, strings.TrimSpace(name))
			}
		}
		return strings.Join(left, ", ")
	})
	t.Logf("%d kinds asked for", len(kinds))
}

// clusterWorks wants what reached each other before to do so again, and what was
// refused to be accepted.
func (h *house) clusterWorks(t *testing.T, before *Matrix) {
	t.Helper()
	now := h.survey(t)
	compared := 0
	for from, row := range now.Cells {
		for name, is := range row {
			was := before.Cells[from][name]
			compared++
			if Arrives(was) != Arrives(is) {
				t.Errorf("%s to %s was %s and is %s", from, name, was, is)
			}
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
	h.must(t, "apply", "-f", data("exposed.yaml"))
	until(t, "the node port to answer", func() string {
		response, err := http.Get("http://10.200.0.2:30080/") //nolint:noctx // the port is this node's
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			return response.Status + ": " + string(body)
		}
		return ""
	})
}
