// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is an issuer without a network, so that hours pass at once.
type fake struct {
	mu      sync.Mutex
	status  int
	body    string
	header  map[string]string
	hang    bool          // until the request is given up
	hold    chan struct{} // an answer that is ready waits for it
	fetches []time.Time
	tags    []string // If-None-Match of each
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.fetches, f.tags = append(f.fetches, time.Now()), append(f.tags, r.Header.Get("If-None-Match"))
	status, body, header, hang, hold := f.status, f.body, http.Header{}, f.hang, f.hold
	for name, value := range f.header {
		header.Set(name, value)
	}
	f.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if hold != nil {
		<-hold
	}
	if tag := r.Header.Get("If-None-Match"); tag != "" && tag == header.Get("ETag") && status == http.StatusOK {
		status, body = http.StatusNotModified, ""
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fetches)
}

// at runs a test where time stands still until everybody waits for it.
func at(t *testing.T, f *fake, o Options, test func(t *testing.T, s *Set)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if f.status == 0 {
			f.status = http.StatusOK
		}
		if o.URL == "" && o.Issuer == "" {
			o.URL = "https://idp.example/keys"
		}
		s, err := open(o, f)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		synctest.Wait()
		test(t, s)
	})
}

// pass lets time go by.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
	synctest.Wait()
}

func TestWhenKeysAreFetchedAgain(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	for name, tc := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"nothing is said":                  {nil, 5 * time.Minute},
		"as is said":                       {map[string]string{"Cache-Control": "public, max-age=600"}, 10 * time.Minute},
		"as is said, in upper case":        {map[string]string{"Cache-Control": "Max-Age=600"}, 10 * time.Minute},
		"as is said, in quotes":            {map[string]string{"Cache-Control": `max-age="600"`}, 10 * time.Minute},
		"as is said, less the age":         {map[string]string{"Cache-Control": "max-age=600", "Age": "480"}, 2 * time.Minute},
		"an age that is no number":         {map[string]string{"Cache-Control": "max-age=600", "Age": "-5"}, 10 * time.Minute},
		"a year is too long":               {map[string]string{"Cache-Control": "max-age=31536000"}, time.Hour},
		"0 s are too short":                {map[string]string{"Cache-Control": "max-age=0"}, 30 * time.Second},
		"a negative time":                  {map[string]string{"Cache-Control": "max-age=-5"}, 30 * time.Second},
		"a time of 30 digits":              {map[string]string{"Cache-Control": "max-age=" + strings.Repeat("9", 30)}, 30 * time.Second},
		"not to be kept":                   {map[string]string{"Cache-Control": "no-store"}, 30 * time.Second},
		"not to be kept, and for how long": {map[string]string{"Cache-Control": "no-cache, max-age=600"}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{body: document(key), header: tc.header}
			at(t, f, Options{}, func(t *testing.T, _ *Set) {
				pass(t, tc.want*9/10-time.Second)
				if n := f.count(); n != 1 {
					t.Errorf("%d fetches, long before %s", n, tc.want)
				}
				pass(t, tc.want/10+2*time.Second)
				if n := f.count(); n != 2 {
					t.Errorf("%d fetches after %s", n, tc.want)
				}
			})
		})
	}
}

func TestAnAnswerThatHasNotChanged(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	_, other := newKey(t, "b")
	f := &fake{body: document(key), header: map[string]string{"ETag": `"one"`}}
	at(t, f, Options{}, func(t *testing.T, s *Set) {
		before, err := s.Find(t.Context(), "a", "ES256")
		if err != nil {
			t.Fatal(err)
		}
		generation := s.Generation()
		pass(t, 6*time.Minute)
		if f.count() != 2 || f.tags[0] != "" || f.tags[1] != `"one"` {
			t.Errorf("If-None-Match is %q", f.tags)
		}
		after, err := s.Find(t.Context(), "a", "ES256")
		if err != nil || after[0] != before[0] || s.Generation() != generation || s.Status().Err != nil {
			t.Errorf("after 304: %v, %+v", err, s.Status())
		}
		f.set(func() { f.body, f.header = document(other), map[string]string{"ETag": `"two"`} })
		pass(t, 6*time.Minute)
		if _, err := s.Find(t.Context(), "b", "ES256"); err != nil || !before[0].Gone() || s.Generation() == generation {
			t.Errorf("after another answer: %v", err)
		}
	})
}

// TestAnOutage does not take good keys away, until they are too old.
func TestAnOutage(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	f := &fake{body: document(key), header: map[string]string{"ETag": `"one"`}} // which the issuer remembers longer than we do
	at(t, f, Options{StaleIfError: time.Hour}, func(t *testing.T, s *Set) {
		keys, err := s.Find(t.Context(), "a", "ES256")
		if err != nil {
			t.Fatal(err)
		}
		good := time.Now()
		f.set(func() { f.status = http.StatusInternalServerError })
		for range 11 {
			pass(t, 5*time.Minute)
			if _, err := s.Find(t.Context(), "a", "ES256"); err != nil || keys[0].Gone() {
				t.Fatalf("%s after the last good answer: %v", time.Since(good), err)
			}
		}
		if s.Status().Err == nil || s.Status().Keys != 1 {
			t.Errorf("status: %+v", s.Status())
		}
		if n := f.count(); n > 150 {
			t.Errorf("%d fetches in 55 minutes of an outage", n)
		}
		if _, err := s.Find(t.Context(), "b", "ES256"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a key that may be new: %v", err)
		}
		pass(t, 6*time.Minute)
		if _, err := s.Find(t.Context(), "a", "ES256"); !errors.Is(err, ErrUnavailable) || !keys[0].Gone() {
			t.Errorf("an hour after the last good answer: %v", err)
		}
		f.set(func() { f.status = http.StatusOK })
		pass(t, time.Minute)
		if _, err := s.Find(t.Context(), "a", "ES256"); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

// TestAnOutageAtTheStart is neither yes nor no, and many requests do not make many
// fetches.
func TestAnOutageAtTheStart(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	f := &fake{body: document(key), status: http.StatusServiceUnavailable}
	at(t, f, Options{}, func(t *testing.T, s *Set) {
		for n := range 1000 {
			for _, kid := range []string{"a", fmt.Sprint(n), ""} {
				if _, err := s.Find(t.Context(), kid, "ES256"); !errors.Is(err, ErrUnavailable) {
					t.Fatalf("without keys: %v", err)
				}
			}
		}
		if n := f.count(); n > 2 {
			t.Errorf("%d fetches at one moment", n)
		}
		f.set(func() { f.status = http.StatusOK })
		pass(t, 3*time.Second)
		if _, err := s.Find(t.Context(), "a", "ES256"); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

// TestHowOftenUnknownKeysAreAskedFor: at once the first time, and then not more often
// than the cooldown allows; for the same name once a minute.
func TestHowOftenUnknownKeysAreAskedFor(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	f := &fake{body: document(key)}
	at(t, f, Options{Refresh: time.Hour}, func(t *testing.T, s *Set) {
		find := func(kid string, fetches int) {
			t.Helper()
			if _, err := s.Find(t.Context(), kid, "ES256"); !errors.Is(err, ErrUnknown) {
				t.Errorf("%s: %v", kid, err)
			}
			if n := f.count(); n != fetches {
				t.Errorf("%s: %d fetches, want %d", kid, n, fetches)
			}
		}
		find("x", 2)
		find("y", 2)
		pass(t, 9*time.Second)
		find("y", 2)
		pass(t, 2*time.Second)
		find("x", 2) // remembered not to be there
		find("y", 3)
		pass(t, 11*time.Second)
		find("y", 3)
		find("x", 3)
		pass(t, 40*time.Second)
		find("x", 4)
		find(strings.Repeat("k", maxID+1), 4) // no key has such a name
		for n := range 300 {
			pass(t, time.Second)
			if _, err := s.Find(t.Context(), fmt.Sprint(n), "ES256"); !errors.Is(err, ErrUnknown) {
				t.Fatal(err)
			}
		}
		if n := f.count() - 4; n < 25 || n > 30 {
			t.Errorf("300 new names in 300 s caused %d fetches, want one in 10 s", n)
		}
	})
}

// TestNamesThatAreRememberedAreBounded, whatever comes.
func TestNamesThatAreRememberedAreBounded(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	f := &fake{body: document(key)}
	at(t, f, Options{Cooldown: time.Nanosecond}, func(t *testing.T, s *Set) {
		for n := range 2 * maxMissing {
			pass(t, time.Nanosecond)
			_, _ = s.Find(t.Context(), fmt.Sprint(n), "ES256") // it is not there
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if n := len(s.missing); n == 0 || n > maxMissing {
			t.Errorf("%d names are remembered", n)
		}
	})
}

// TestAnIssuerThatHangs: a fetch has an end, those who wait are few, and the keys that
// are there serve on.
func TestAnIssuerThatHangs(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	f := &fake{body: document(key)}
	at(t, f, Options{}, func(t *testing.T, s *Set) {
		f.set(func() { f.hang = true })
		began := time.Now()
		results := make(chan error, 2*maxWaiting)
		for n := range 2 * maxWaiting {
			go func() {
				_, err := s.Find(t.Context(), fmt.Sprint(n), "ES256")
				results <- err
			}()
		}
		synctest.Wait()
		if n := len(results); n != maxWaiting {
			t.Errorf("%d of %d are answered at once", n, 2*maxWaiting)
		}
		if _, err := s.Find(t.Context(), "a", "ES256"); err != nil || time.Since(began) != 0 {
			t.Errorf("a key that is there: %v after %s", err, time.Since(began))
		}
		for range 2 * maxWaiting {
			if err := <-results; !errors.Is(err, ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("they waited %s", waited)
		}
		if n := f.count(); n > 3 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestAFetchThatIsUnderWayIsNotEnough: a key that was published after it began is
// found by the next, and its name is not remembered as missing.
func TestAFetchThatIsUnderWayIsNotEnough(t *testing.T) {
	t.Parallel()
	_, first := newKey(t, "a")
	_, second := newKey(t, "b")
	f := &fake{body: document(first)}
	at(t, f, Options{}, func(t *testing.T, s *Set) {
		hold := make(chan struct{})
		f.set(func() { f.hold = hold })
		pass(t, 5*time.Minute) // the second fetch is under way
		result := make(chan error, 1)
		go func() {
			_, err := s.Find(t.Context(), "b", "ES256")
			result <- err
		}()
		synctest.Wait()
		f.set(func() { f.body, f.hold = document(first, second), nil })
		close(hold)
		if err := <-result; !errors.Is(err, ErrUnknown) || f.count() != 2 {
			t.Errorf("by the fetch that was under way: %v, %d fetches", err, f.count())
		}
		if _, err := s.Find(t.Context(), "b", "ES256"); err != nil || f.count() != 3 {
			t.Errorf("by the next: %v, %d fetches", err, f.count())
		}
	})
}

// TestARequestCausesTheFirstGoodFetch when the one at the start failed.
func TestARequestCausesTheFirstGoodFetch(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "a")
	f := &fake{body: document(key), hang: true}
	at(t, f, Options{}, func(t *testing.T, s *Set) {
		if _, err := s.Find(t.Context(), "a", "ES256"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("the first fetch fails: %v", err)
		}
		f.set(func() { f.hang = false })
		if _, err := s.Find(t.Context(), "a", "ES256"); err != nil {
			t.Errorf("a fetch that a request causes: %v", err)
		}
	})
}

// TestWhoGivesUpWaiting is told that nobody knows.
func TestWhoGivesUpWaiting(t *testing.T) {
	t.Parallel()
	f := &fake{hang: true}
	at(t, f, Options{}, func(t *testing.T, s *Set) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Find(ctx, "a", "ES256"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		began := time.Now()
		s.Close() // does not wait for the fetch
		if _, err := s.Find(t.Context(), "a", "ES256"); !errors.Is(err, ErrUnavailable) || time.Since(began) != 0 {
			t.Errorf("after Close: %v, %s", err, time.Since(began))
		}
	})
}
