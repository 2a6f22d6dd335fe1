// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// TestPacer does work again and again: idle before it, and what it takes.
func TestPacer(t *testing.T) {
	t.Parallel()
	type work struct{ idle, took, rest time.Duration }
	for name, all := range map[string][]work{
		"what took no time waits for more of an apply": {{0, 0, leastRest}},
		"some changes are translated at once":          {{0, 25 * ms, leastRest}, {5 * ms, 25 * ms, leastRest}, {5 * ms, 25 * ms, leastRest}},
		"changes without end take half of the time":    {{0, credit, leastRest}, {5 * ms, 25 * ms, 20 * ms}, {20 * ms, 25 * ms, 25 * ms}, {25 * ms, 25 * ms, 25 * ms}},
		"idleness pays":                  {{0, credit, leastRest}, {credit, 25 * ms, leastRest}},
		"nothing is saved up":            {{time.Hour, credit + 10*ms, 10 * ms}},
		"what took long rests as long":   {{0, credit + 200*ms, 200 * ms}},
		"what took very long rests less": {{0, time.Minute, mostRest}, {mostRest, 0, leastRest}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pacer
			now := time.Unix(1_000_000, 0)
			for i, w := range all {
				began := now.Add(w.idle)
				now = began.Add(w.took)
				if got := p.rest(began, now); got != w.rest {
					t.Fatalf("work %d: got %v, want %v", i, got, w.rest)
				}
			}
		})
	}
}

func TestWorkAheadIsDoneWhileThereIsLittle(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_000_000, 0)
	for name, tc := range map[string]struct {
		took, idle time.Duration
		want       bool
	}{
		"there was little":            {credit/2 - ms, 0, true},
		"there was much":              {credit / 2, 0, false},
		"there was much, a while ago": {credit, credit/2 + ms, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p pacer
			ended := began.Add(tc.took)
			p.rest(began, ended)
			if got := p.spare(ended.Add(tc.idle)); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
