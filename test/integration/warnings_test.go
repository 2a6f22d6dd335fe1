// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// warnings collects what the API server warns of during one request.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

type warningsKey struct{}

// String writes them as kubectl does.
func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, line := range w.lines {
		b.WriteString("Warning: " + line + "\n")
	}
	return b.String()
}

// warningHandler gives warnings to the collector in the request's context.
type warningHandler struct{}

func (warningHandler) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	if w, ok := ctx.Value(warningsKey{}).(*warnings); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lines = append(w.lines, text)
	}
}

// as is a client that acts as somebody else, with every right.
func (c *cluster) as(t *testing.T, user string, groups []string) client.Client {
	t.Helper()
	cfg := c.RESTConfig()
	cfg.WarningHandlerWithContext = warningHandler{}
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append([]string{"system:masters"}, groups...)}
	api, err := client.New(cfg, client.Options{Scheme: c.api.Scheme(), Mapper: c.api.RESTMapper()})
	if err != nil {
		t.Fatal(err)
	}
	return api
}
