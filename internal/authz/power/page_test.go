// SPDX-License-Identifier: Apache-2.0

package power

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestThePageListsTheGroupsOfOthers compares the table with the page that says
// which custom resources count, check by check.
func TestThePageListsTheGroupsOfOthers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/privilege.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## Custom resources that count\n")
	if !found {
		t.Fatal("the page has no such section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	row := regexp.MustCompile(`(?m)^\| [^|]+ \| (RBAC[^|]+) \| ([^|]+) \|$`)
	listed := map[string][]string{} // groups by check
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		for id := range strings.SplitSeq(m[1], ", ") {
			listed[id] = append(listed[id], strings.Split(m[2], ", ")...)
		}
	}
	used, others := map[string]bool{}, 0
	for i := range table {
		p := &table[i]
		for _, pattern := range p.Any {
			for _, g := range pattern.Groups {
				used[g] = true
				if isKubernetes(g) {
					continue
				}
				others++
				if !slices.Contains(listed[p.ID], g) {
					t.Errorf("the page does not list %s, which counts for %s", g, p.ID)
				}
			}
		}
	}
	for id, groups := range listed {
		for _, g := range groups {
			if !used[g] {
				t.Errorf("the page lists %s for %s, and the table does not have it", g, id)
			}
		}
	}
	if others == 0 {
		t.Fatal("the table has no groups of others")
	}
}

// isKubernetes reports whether a group is part of Kubernetes itself, or of the
// interfaces that it defines.
func isKubernetes(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") &&
		!slices.Contains([]string{"sparkoperator.k8s.io", "gateway.networking.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"}, group)
}
