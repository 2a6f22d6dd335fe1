// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestReferencesOfANamespaceAreBounded: the first by name are read, and the others of
// another namespace, and one of the rest as soon as there is room.
func TestReferencesOfANamespaceAreBounded(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer api.Close()
	client, err := newClient(&rest.Config{Host: api.URL}, []*kind{secretKind()})
	if err != nil {
		t.Fatal(err)
	}
	r := newReferences(secretKind(), client, flowcontrol.NewTokenBucketRateLimiter(1, 1), logr.Discard(), func(change) {})
	ctx, stop := contextOf(t)
	defer r.wait()
	defer stop()
	wanted := map[translate.Name]bool{{Namespace: "other", Name: "own"}: true}
	named := func(i int) translate.Name {
		return translate.Name{Namespace: "shop", Name: fmt.Sprintf("s%04d", i)}
	}
	for i := range 2 * maxReferences {
		wanted[named(i)] = true
	}
	r.want(ctx, wanted)
	if r.len() != maxReferences+1 || r.open[named(maxReferences-1)] == nil || r.open[named(maxReferences)] != nil || r.open[translate.Name{Namespace: "other", Name: "own"}] == nil {
		t.Errorf("%d are read, want %d", r.len(), maxReferences+1)
	}
	if why := r.unread()[named(maxReferences)]; !strings.HasPrefix(why, "is not read: ") {
		t.Errorf("of one that is not read is said %q", why)
	}
	refusal := error(apierrors.NewForbidden(corev1.Resource("secrets"), "s0001", errors.New("no role")))
	r.open[named(1)].failure.Store(&refusal)
	if why, want := r.unread()[named(1)], "may not be read: bind ClusterRole gatehouse-gateway-references in namespace shop"; why != want {
		t.Errorf("of one that may not be read is said %q, want %q", why, want)
	}
	gone := r.open[named(0)]
	delete(wanted, named(0))
	r.want(ctx, wanted)
	<-gone.done
	if r.len() != maxReferences+1 || r.open[named(maxReferences)] == nil {
		t.Errorf("with one less that is wanted, %d are read, and not the next one", r.len())
	}
}

// TestWhoIsRefusedAgainAndAgainAsksSeldom, and who is not asks on.
func TestWhoIsRefusedAgainAndAgainAsksSeldom(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(corev1.Resource("secrets"), "s", errors.New("no role"))
	for name, tc := range map[string]struct {
		outcomes []error
		times    int
		waits    bool
	}{
		"rights may be just given":   {[]error{forbidden}, promptly, false},
		"nobody gives rights":        {[]error{forbidden}, promptly + 1, true},
		"it is read between":         {[]error{forbidden, nil}, promptly + 1, false},
		"the server is not there":    {[]error{errors.New("connection refused")}, promptly + 1, false},
		"it is not allowed any more": {append([]error{nil}, forbidden), 1, false},
	} {
		w := &watcher{kind: secretKind(), log: logr.Discard(), store: newStore(func(change) {}), limit: flowcontrol.NewFakeAlwaysRateLimiter()}
		before := time.Now()
		for range tc.times {
			for _, err := range tc.outcomes {
				w.observe(t.Context(), err)
			}
		}
		if got := !w.until.Before(before.Add(refused)); got != tc.waits {
			t.Errorf("%s: it waits until %s", name, w.until)
		}
	}
}
