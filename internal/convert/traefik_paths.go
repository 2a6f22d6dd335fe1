// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func (r *reader) stripPrefixes(s *settings) error {
	prefixes, err := s.words("prefixes")
	s.ignore("forceSlash")
	if err != nil {
		return err
	}
	return r.rewriteOnce(func(u *rule) error {
		for _, p := range prefixes {
			p = strings.TrimRight(p, "/")
			rest, is := strings.CutPrefix(u.path.value, p)
			if is && (rest == "" || strings.HasPrefix(rest, "/")) {
				if rest == "" {
					rest = "/"
				}
				var err error
				u.rewrite, err = replaced(u.path, rest)
				return err
			}
			if u.path.kind == gatewayv1.PathMatchPathPrefix && strings.HasPrefix(p, strings.TrimRight(u.path.value, "/")+"/") {
				return fmt.Errorf("prefix %s is taken from a part of the paths only: make a rule for it", p)
			}
		}
		return nil
	})
}

// rewriteOnce has the path of the backend made by one Middleware: what two of them make
// together cannot be said.
func (r *reader) rewriteOnce(by func(*rule) error) error {
	if r.plan.rewrite != nil {
		return errors.New("two Middlewares change the path: make one of them")
	}
	r.plan.rewrite = by
	return nil
}

func (r *reader) addPrefix(v string) error {
	m, err := prefix(v)
	if err != nil {
		return err
	}
	return r.rewriteOnce(func(u *rule) (err error) {
		u.rewrite, err = replaced(u.path, strings.TrimRight(m.value, "/")+u.path.value)
		return err
	})
}
