// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// Gather implements prometheus.Gatherer: the numbers of every Gateway, with its name as a
// label. Those of the process are not among them.
func (l *Local) Gather() ([]*dto.MetricFamily, error) {
	l.mu.Lock()
	gateways := maps.Clone(l.gateways)
	l.mu.Unlock()
	families := map[string]*dto.MetricFamily{}
	var errs []error
	for _, name := range slices.SortedFunc(maps.Keys(gateways), compare) {
		l.mu.Lock()
		server := gateways[name].server
		l.mu.Unlock()
		if server == nil {
			continue
		}
		own, err := server.Metrics().Gather()
		errs = append(errs, err)
		label, value := "gateway", name.String()
		for _, f := range own {
			if !strings.HasPrefix(f.GetName(), "gatehouse_") {
				continue
			}
			for _, m := range f.Metric {
				m.Label = append(m.Label, &dto.LabelPair{Name: &label, Value: &value})
				slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
			}
			if all := families[f.GetName()]; all != nil {
				all.Metric = append(all.Metric, f.Metric...)
			} else {
				families[f.GetName()] = f
			}
		}
	}
	out := make([]*dto.MetricFamily, 0, len(families))
	for _, name := range slices.Sorted(maps.Keys(families)) {
		out = append(out, families[name])
	}
	return out, errors.Join(errs...)
}
