// SPDX-License-Identifier: Apache-2.0

package selector

import (
	"fmt"
	"regexp"
	"strings"
)

// identityLabels are the patterns by which Cilium decides which labels of a pod
// its policies see (pkg/labelsfilter, defaultLabelPrefixCfg), without those that
// are about labels of its own.
const identityLabels = `app\.kubernetes\.io !io\.kubernetes !kubernetes\.io !statefulset\.kubernetes\.io/pod-name !apps\.kubernetes\.io/pod-index ` +
	`!batch\.kubernetes\.io/job-completion-index !batch\.kubernetes\.io/controller-uid !.*beta\.kubernetes\.io !k8s\.io !pod-template-generation ` +
	`!pod-template-hash !controller-revision-hash !controller-uid !annotation.* !etcd_node !topology\.kubernetes\.io`

// labelPattern is one pattern, at the beginning of a key.
type labelPattern struct {
	expression *regexp.Regexp
	ignores    bool
}

// IdentityLabels returns which labels of pods policies see in a cluster, by the
// "labels" of its cilium-config; the text is empty in most. A policy that
// selects another label matches nothing. It is for Options.Visible.
func IdentityLabels(config string) (func(key string) bool, error) {
	var patterns []labelPattern
	listed := false // only what is listed is seen
	for i, text := range append(strings.Fields(identityLabels), strings.Fields(config)...) {
		source, pattern, found := strings.Cut(text, ":")
		if !found {
			source, pattern = "", text
		}
		pattern, ignores := strings.CutPrefix(pattern, "!")
		expression, err := regexp.Compile(pattern)
		if err != nil || pattern == "" {
			return nil, fmt.Errorf("pattern %q of labels: not a regular expression", text)
		}
		listed = listed || !ignores && i >= len(strings.Fields(identityLabels))
		if source == "" || source == "k8s" {
			patterns = append(patterns, labelPattern{expression, ignores})
		}
	}
	return func(key string) bool { return seen(patterns, listed, key) }, nil
}

// seen compares the longest match of those that include with the shortest of
// those that ignore.
func seen(patterns []labelPattern, listed bool, key string) bool {
	included, ignored := 0, 0
	for _, p := range patterns {
		at := p.expression.FindStringIndex(key)
		switch {
		case at == nil || at[0] != 0:
		case !p.ignores:
			included = max(included, at[1])
		case ignored == 0 || at[1] < ignored:
			ignored = at[1]
		}
	}
	return !listed && ignored == 0 || included > ignored
}
