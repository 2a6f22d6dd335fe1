// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func (r *reader) traefikHeaders(s *settings) error {
	for name, to := range map[string]*gatewayv1.HTTPHeaderFilter{"customRequestHeaders": &r.request, "customResponseHeaders": &r.response} {
		o := s.object(name)
		if o == nil {
			continue
		}
		for _, line := range slices.Sorted(maps.Keys(o.left)) {
			value, is := o.left[line].(string)
			switch {
			case !is || !headerName.MatchString(line):
				return fmt.Errorf("headers.%s.%.60q is no header line", name, line)
			case value == "":
				to.Remove = append(to.Remove, line)
			default:
				if err := r.set(to, line, value); err != nil {
					return err
				}
			}
		}
	}
	return r.traefikPages(s)
}

// traefikPages converts what the headers Middleware tells browsers.
func (r *reader) traefikPages(s *settings) error {
	age, err := s.whole("stsSeconds")
	if err != nil {
		return err
	}
	sub, preload := s.yes("stsIncludeSubdomains"), s.yes("stsPreload")
	s.ignore("forceSTSHeader")
	if age > 0 {
		text := fmt.Sprintf("max-age=%d", age)
		if sub {
			text += "; includeSubDomains"
		}
		if preload {
			text += "; preload"
		}
		if err := r.set(&r.response, "Strict-Transport-Security", text); err != nil {
			return err
		}
	}
	for name, line := range map[string]string{"contentSecurityPolicy": "Content-Security-Policy", "referrerPolicy": "Referrer-Policy", "permissionsPolicy": "Permissions-Policy", "customFrameOptionsValue": "X-Frame-Options"} {
		if v := s.text(name); v != "" {
			err = errors.Join(err, r.set(&r.response, line, v))
		}
	}
	for name, line := range map[string][2]string{"frameDeny": {"X-Frame-Options", "DENY"}, "contentTypeNosniff": {"X-Content-Type-Options", "nosniff"}, "browserXssFilter": {"X-XSS-Protection", "1; mode=block"}} {
		if s.yes(name) {
			err = errors.Join(err, r.set(&r.response, line[0], line[1]))
		}
	}
	slices.SortFunc(r.response.Set, func(a, b gatewayv1.HTTPHeader) int { return strings.Compare(string(a.Name), string(b.Name)) })
	var lists [4]string
	for i, name := range []string{"accessControlAllowOriginList", "accessControlAllowMethods", "accessControlAllowHeaders", "accessControlExposeHeaders"} {
		words, wrong := s.words(name)
		lists[i], err = strings.Join(words, ","), errors.Join(err, wrong)
	}
	credentials := s.yes("accessControlAllowCredentials")
	maxAge, wrong := s.whole("accessControlMaxAge")
	s.ignore("addVaryHeader")
	if err = errors.Join(err, wrong); err != nil || lists[0] == "" {
		return err
	}
	cors, err := corsOf(lists[0], lists[1], lists[2], lists[3])
	if err != nil {
		return err
	}
	if cors.MaxAge = int32(maxAge); credentials && cors.AllowOrigins[0] != "*" { //nolint:gosec // whole bounds it
		cors.AllowCredentials = &credentials
	}
	return r.origins(cors)
}
