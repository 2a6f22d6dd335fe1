// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// impatient is a context that ends when it has been asked that often.
type impatient struct {
	context.Context
	left int
}

func (c *impatient) Err() error {
	if c.left == 0 {
		return context.DeadlineExceeded
	}
	c.left--
	return nil
}

// TestAVerdictMayStopAnywhere: wherever the time is over, there is no verdict, and what
// was worked out by then does not change the verdicts that follow.
func TestAVerdictMayStopAnywhere(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]inventory.Object{
		"a role":    shared("secrets"),
		"a binding": everyAccount(3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := crowded(2, 3, alike, differing).With(everyAccount(3))
			j := judging(t)
			want := j.Of(verdict.Question{Object: o, Inventory: crowded(2, 3, alike, differing).With(everyAccount(3))})
			if len(want) == 0 {
				t.Fatal("nothing is found")
			}
			stops := 0
			for ; ; stops++ {
				got, err := j.Within(&impatient{t.Context(), stops}, verdict.Question{Object: o, Inventory: inv})
				if err == nil {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
					break
				}
				if !errors.Is(err, verdict.ErrUnfinished) || got != nil {
					t.Fatalf("after %d: %v %v", stops, got, err)
				}
			}
			if stops < 30 {
				t.Errorf("it asks %d times", stops)
			}
		})
	}
}
