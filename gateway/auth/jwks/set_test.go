// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

func TestKeysAreFetchedAndRotated(t *testing.T) {
	t.Parallel()
	_, first := newKey(t, "first")
	i := newIssuer(t, first)
	s := mustOpen(t, i.options())
	found, err := s.Find(t.Context(), "first", "ES256") // waits for the first fetch
	if err != nil || len(found) != 1 || found[0].ID != "first" {
		t.Fatalf("got %v, %v", found, err)
	}
	if _, err := s.Find(t.Context(), "first", "RS256"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a key is for another kind of algorithm: %v", err)
	}
	generation := s.Generation()
	_, second := newKey(t, "second")
	i.publish(http.StatusOK, document(first, second))
	both, err := s.Find(t.Context(), "second", "ES256")
	if err != nil || len(both) != 1 {
		t.Fatalf("a new key is not found: %v", err)
	}
	if again, _ := s.Find(t.Context(), "first", "ES256"); again[0] != found[0] || found[0].Gone() {
		t.Error("a key that stays is another one")
	}
	if s.Generation() == generation {
		t.Error("the keys are others, and the generation is the same")
	}
}

// TestAStormOfUnknownKeys: new names of keys, from 64 clients at once, make the issuer
// answer twice: at the start, and once for all of them.
func TestAStormOfUnknownKeys(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "known")
	i := newIssuer(t, key)
	s := mustOpen(t, i.options())
	if _, err := s.Find(t.Context(), "known", "ES256"); err != nil {
		t.Fatal(err)
	}
	const tokens, clients = 10_000, 64
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := range tokens / clients {
				if _, err := s.Find(t.Context(), fmt.Sprintf("%d-%d", c, n), "ES256"); !errors.Is(err, ErrUnknown) {
					t.Errorf("an unknown key: %v", err)
					return
				}
				if _, err := s.Find(t.Context(), "known", "ES256"); err != nil {
					t.Errorf("a known key in a storm: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d tokens with unknown keys: %d fetches", tokens/clients*clients, i.count())
	if n := i.count(); n < 2 || n > 10 { // at most one in each 10 seconds, however slow the machine is
		t.Errorf("%d fetches", n)
	}
}
