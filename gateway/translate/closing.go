// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// closing are matches for all requests that a rule could be for, so that a rule that is
// refused leaves none of them to another route. wrong are the places of faults, such as
// matches[1].headers[0].regex: without them matches are as they are. Of one whose path is good
// the path is left, and one whose path is not fits everything that nothing else does.
func closing(matches []config.Match, wrong []string) []config.Match {
	if len(wrong) == 0 {
		return matches
	}
	out, every := make([]config.Match, 0, len(matches)), false
	for i := range matches {
		own, at := matches[i], fmt.Sprintf("matches[%d]", i)
		for _, fault := range wrong {
			part, here := strings.CutPrefix(fault, at)
			switch {
			case strings.HasPrefix(part, ".path") && here, fault == "matches" && own.Path.Regex != "":
				own = config.Match{}
			case here, fault == "matches":
				own = config.Match{Path: own.Path}
			}
		}
		if own.Path == (config.PathMatch{}) && own.Method == "" && len(own.Headers)+len(own.Query) == 0 {
			if every {
				continue
			}
			every = true
		}
		out = append(out, own)
	}
	return out
}
