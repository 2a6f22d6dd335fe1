// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestNoMoreThanSoManyAreEjected: of four that fail.
func TestNoMoreThanSoManyAreEjected(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 2, 25: 1, 75: 3, 100: 4} {
		p := pool(t, &config.Backend{Outlier: &config.Outlier{Failures: 1, MaxEjected: most}}, &fake{do: says(503)}, &fake{do: says(503)}, &fake{do: says(503)}, &fake{do: says(503)})
		for range 50 {
			if _, err := send(t.Context(), p, "GET", once); err != nil {
				t.Fatal(err)
			}
		}
		out := 0
		for _, e := range *p.endpoints.Load() {
			if e.until.Load() != 0 {
				out++
			}
		}
		if out != want {
			t.Errorf("%d percent: %d are out, want %d", most, out, want)
		}
	}
}

// TestHowOftenAndHowLongIsAsked, by times of a configuration and by those that there are
// without.
func TestHowOftenAndHowLongIsAsked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		health            config.Health
		interval, timeout time.Duration
	}{
		{config.Health{}, 10 * time.Second, time.Second},
		{config.Health{Interval: config.Duration(time.Minute), Timeout: config.Duration(7 * time.Second)}, time.Minute, 7 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var at, took []time.Duration
			h := tc.health
			h.Path = "/healthz"
			p := pool(t, &config.Backend{Health: &h}, &fake{do: func(ctx context.Context) (int, error) {
				from := time.Since(began)
				<-ctx.Done()
				at, took = append(at, from), append(took, time.Since(began)-from)
				return 0, ctx.Err()
			}})
			time.Sleep(5 * tc.interval)
			p.close()
			synctest.Wait()
			if len(at) < 3 || took[1] != tc.timeout {
				t.Fatalf("it was asked at %v, and waited for %v", at, took)
			}
			if between := at[2] - at[1]; between < tc.interval*4/5 || between > tc.interval*6/5+tc.timeout {
				t.Errorf("it was asked again after %s, want %s", between, tc.interval)
			}
		})
	}
}
