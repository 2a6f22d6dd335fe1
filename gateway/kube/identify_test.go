// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
)

// jwt is a token that says so much, and is signed by nobody.
func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestWhatATokenSaysOfItself(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for what, tc := range map[string]struct{ token, account string }{
		"as the API server makes them":   {jwt(`{"aud":["gatehouse.sh/gateway"],"exp":1800003600,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), "shop/edge-gatehouse"},
		"one audience":                   {jwt(`{"aud":"gatehouse.sh/gateway","exp":1800003600,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), "shop/edge-gatehouse"},
		"one of several":                 {jwt(`{"aud":["a","gatehouse.sh/gateway"],"exp":1800003600,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), "shop/edge-gatehouse"},
		"just ended, by another clock":   {jwt(`{"aud":["gatehouse.sh/gateway"],"exp":1799999940,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), "shop/edge-gatehouse"},
		"ended":                          {jwt(`{"aud":["gatehouse.sh/gateway"],"exp":1799999939,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), ""},
		"without an end":                 {jwt(`{"aud":["gatehouse.sh/gateway"],"sub":"system:serviceaccount:shop:edge-gatehouse"}`), ""},
		"for the API server":             {jwt(`{"aud":["https://kubernetes.default.svc"],"exp":1800003600,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), ""},
		"for nobody":                     {jwt(`{"exp":1800003600,"sub":"system:serviceaccount:shop:edge-gatehouse"}`), ""},
		"of a person":                    {jwt(`{"aud":["gatehouse.sh/gateway"],"exp":1800003600,"sub":"jane"}`), ""},
		"of an account without its name": {jwt(`{"aud":["gatehouse.sh/gateway"],"exp":1800003600,"sub":"system:serviceaccount:shop"}`), ""},
		"claims that are none":           {jwt(`[]`), ""},
		"no base64":                      {"e30.{}.c2ln", ""},
		"two parts":                      {"e30.e30", ""},
		"nothing":                        {"", ""},
	} {
		account, err := claimed(tc.token, now)
		if account != tc.account || (err == nil) != (tc.account != "") || err != nil && !errors.Is(err, handover.ErrUnknown) {
			t.Errorf("%s: got %q, %v", what, account, err)
		}
	}
}

// TestReviewsAreBounded: who has too much reviewed has nothing more reviewed, and others
// have; and all together have a bound.
func TestReviewsAreBounded(t *testing.T) {
	t.Parallel()
	i, now := newIdentifier(nil), time.Now()
	count := func(from string) (n int) {
		for i.may(netip.MustParseAddr(from), now) {
			n++
		}
		return n
	}
	if n := count("192.0.2.1"); n != perAddress.Burst {
		t.Errorf("of one address %d are reviewed, want %d", n, perAddress.Burst)
	}
	all := perAddress.Burst
	for a := range 250 {
		n := count(fmt.Sprintf("198.51.100.%d", a))
		if all+perAddress.Burst <= ofAll.Burst && n != perAddress.Burst {
			t.Fatalf("of another address %d are reviewed, want %d", n, perAddress.Burst)
		}
		all += n
	}
	if all != ofAll.Burst {
		t.Errorf("of all %d are reviewed, want %d", all, ofAll.Burst)
	}
	now = now.Add(perAddress.Interval())
	if n := count("192.0.2.1"); n != 1 {
		t.Errorf("after a while %d are reviewed, want 1", n)
	}
}

// TestWhoIsKnownIsKnownWhileTooManyAreReviewed, for a time, and nobody else is.
func TestWhoIsKnownIsKnownWhileTooManyAreReviewed(t *testing.T) {
	t.Parallel()
	began, from := time.Now(), netip.MustParseAddr("192.0.2.1")
	for what, tc := range map[string]struct {
		age         time.Duration
		full, taken bool // too many are reviewed; the token was taken back
		token       string
		reviews     int32
		fault       error
	}{
		"just reviewed":                  {remembered - 1, true, false, "good", 1, nil},
		"there is room":                  {remembered, false, false, "good", 2, nil},
		"there is none":                  {remembered, true, false, "good", 1, nil},
		"there was none for a long time": {mostRemembered, true, false, "good", 1, handover.ErrBusy},
		"nobody knows it":                {remembered, true, false, "other", 1, handover.ErrBusy},
		"it was taken back":              {remembered, false, true, "good", 2, handover.ErrUnknown},
		"nobody has looked since":        {remembered, true, true, "good", 1, nil},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var reviews atomic.Int32
			var refuses atomic.Bool
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reviews.Add(1)
				out := authenticationv1.TokenReview{Status: authenticationv1.TokenReviewStatus{Authenticated: !refuses.Load(), Audiences: []string{Audience}}}
				out.APIVersion, out.Kind = authenticationv1.SchemeGroupVersion.String(), "TokenReview"
				out.Status.User.Username = "system:serviceaccount:shop:edge-gatehouse"
				out.Status.User.Extra = map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/pod-uid": {"u-1"}}
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(out) // the client sees it
			}))
			defer api.Close()
			client, err := newClient(&rest.Config{Host: api.URL}, []*kind{secretKind()})
			if err != nil {
				t.Fatal(err)
			}
			i := newIdentifier(client)
			if _, err := i.at(t.Context(), from, "good", began); err != nil {
				t.Fatal(err)
			}
			refuses.Store(tc.taken)
			later := began.Add(tc.age)
			for tc.full && i.may(from, later) {
				continue
			}
			who, err := i.at(t.Context(), from, tc.token, later)
			if !errors.Is(err, tc.fault) || reviews.Load() != tc.reviews || (err == nil) != (who == handover.Identity{Account: "shop/edge-gatehouse", Replica: "u-1"}) {
				t.Errorf("got %v, %v after %d reviews", who, err, reviews.Load())
			}
			if !tc.taken || tc.full {
				return
			}
			for i.may(from, later) {
				continue
			}
			if _, err := i.at(t.Context(), from, "good", later); !errors.Is(err, handover.ErrBusy) {
				t.Errorf("it is still remembered: %v", err)
			}
		})
	}
}
