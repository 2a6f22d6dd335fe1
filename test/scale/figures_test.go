// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// figures are what the table says, in its order.
type figures struct {
	t     *testing.T
	lines []string
}

func (f *figures) add(what, format string, args ...any) {
	f.t.Helper()
	line := "| " + what + " | " + fmt.Sprintf(format, args...) + " |"
	f.t.Log(line) // as it is known
	f.lines = append(f.lines, line)
}

// quantiles says the half and the 99th part of a hundred.
func quantiles(took []time.Duration) string {
	if len(took) == 0 {
		return "none"
	}
	slices.Sort(took)
	at := func(part int) float64 { return float64(took[len(took)*part/100].Microseconds()) / 1000 }
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms (%d)", at(50), at(99), len(took))
}

// histogram says below which bounds the quantiles of a metric are, over all its labels.
func histogram(text, name string) string {
	counts := map[float64]float64{}
	total := 0.0
	for line := range strings.Lines(text) {
		labels, number, _ := strings.Cut(strings.TrimSpace(line), "} ")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !strings.HasPrefix(labels, name+"_bucket{") {
			continue
		}
		_, bound, _ := strings.Cut(labels, `le="`)
		le, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"`), 64)
		if err != nil {
			continue
		}
		counts[le] += n
		total = max(total, counts[le])
	}
	below := func(part float64) string {
		bounds := make([]float64, 0, len(counts))
		for le := range counts {
			bounds = append(bounds, le)
		}
		slices.Sort(bounds)
		for _, le := range bounds {
			if counts[le] >= part*total {
				return fmt.Sprintf("%g ms", le*1000)
			}
		}
		return "?"
	}
	return fmt.Sprintf("p50 below %s, p99 below %s (%.0f)", below(.5), below(.99), total)
}
