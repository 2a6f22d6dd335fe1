// SPDX-License-Identifier: Apache-2.0

package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// asks is a configuration with one key set and a policy that asks a service.
func asks(url string) *config.Snapshot {
	return &config.Snapshot{
		KeySets: []config.KeySet{{Name: "k", URL: url, Plaintext: "Allow"}},
		AccessPolicies: []config.AccessPolicy{{
			Name:           "p",
			Authentication: config.Authentication{AnyOf: []config.Authenticator{{Name: "a", Anonymous: &config.Anonymous{}}}},
			Authorization:  config.Authorization{Rules: []config.AccessRule{{Name: "r", Allow: &config.Condition{}}}},
			ExternalAuth:   &config.ExternalAuth{HTTP: &config.ExternalHTTP{Backend: "b"}},
		}},
	}
}

// TestKeysOfWhatIsNotServedAreLeft: of a configuration that fails, or is given up, nothing
// goes on; what is in force stays open, and is fetched once.
func TestKeysOfWhatIsNotServedAreLeft(t *testing.T) {
	t.Parallel()
	fetches := make(chan string, 100)
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fetches <- r.URL.Path
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(idp.Close)
	s := NewSet()
	told := make(chan string, 100)
	s.Fetched = func(name string, _ jwks.Status) { told <- name }
	t.Cleanup(s.Close)
	fails := errors.New("no service")
	made := error(nil)
	external := func(*config.ExternalAuth) (External, error) { return nil, made } //nolint:unparam // nobody is asked
	update := func(path string) (keep, leave func(), err error) {
		_, keep, leave, err = s.Update(asks(idp.URL+path), external)
		return keep, leave, err
	}
	fetched := func(want string) {
		t.Helper()
		select {
		case got := <-fetches:
			if got != want {
				t.Errorf("%s was fetched, want %s", got, want)
			}
			if name := <-told; name != "k" {
				t.Errorf("told of %s", name)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is not fetched", want)
		}
	}
	open := func() int { return s.keys.Len() }
	keep, _, err := update("/first")
	if err != nil {
		t.Fatal(err)
	}
	fetched("/first")
	keep()
	made = fails
	if _, _, err = update("/second"); !errors.Is(err, fails) || open() != 1 {
		t.Errorf("after a failure: %v, and %d sets are open", err, open())
	}
	made = nil
	_, leave, err := update("/third")
	if err != nil || open() != 2 {
		t.Errorf("before it is given up: %v, and %d sets are open", err, open())
	}
	leave()
	if open() != 1 {
		t.Errorf("after it was given up, %d sets are open", open())
	}
	if keep, _, err = update("/first"); err != nil {
		t.Fatal(err)
	}
	keep()
	if keep, _, err = update("/fourth"); err != nil {
		t.Fatal(err)
	}
	keep()
	if open() != 1 {
		t.Errorf("of the last one, %d sets are open", open())
	}
}
