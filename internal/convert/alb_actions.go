// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// albGroup is one share of a forward action.
type albGroup struct {
	Service string          `json:"serviceName"`
	Port    json.RawMessage `json:"servicePort"`
	Weight  *int32          `json:"weight"`
}

// albAction reads what a backend that is no Service does.
func (r *reader) albAction(v string) error {
	_, name, _ := strings.Cut(r.line.Source, "/actions.")
	var in struct {
		Type     string `json:"type"`
		Redirect *struct {
			Protocol, Port, Host, Path, Query, StatusCode string
		} `json:"redirectConfig"`
		Forward *struct {
			Groups     []albGroup `json:"targetGroups"`
			Stickiness *struct {
				Enabled bool `json:"enabled"`
			} `json:"targetGroupStickinessConfig"`
		} `json:"forwardConfig"`
		Group string `json:"targetGroupARN"`
	}
	if err := json.Unmarshal([]byte(v), &in); err != nil {
		return errors.New("it is no JSON of an action")
	}
	if r.actions == nil {
		r.actions = map[string]func(*rule) error{}
	}
	refuse := func(err error) error {
		r.actions[name] = func(*rule) error { return fmt.Errorf("action %s is not converted", name) }
		return err
	}
	switch {
	case in.Type == "redirect" && in.Redirect != nil:
		to, err := albTo(in.Redirect.Protocol, in.Redirect.Port, in.Redirect.Host, in.Redirect.Path, in.Redirect.Query, in.Redirect.StatusCode)
		if err != nil {
			return refuse(err)
		}
		r.line.field = "spec.rules[].filters[].requestRedirect"
		r.actions[name] = func(u *rule) error { u.redirect = to; return nil }
	case in.Type == "forward" && in.Forward != nil && in.Group == "":
		if s := in.Forward.Stickiness; s != nil && s.Enabled {
			r.note(noAffinity)
		}
		if _, err := r.albShares(in.Forward.Groups, r.line.Source); err != nil {
			return refuse(err)
		}
		groups, at := in.Forward.Groups, r.line.Source
		for _, g := range groups { // whose annotations are still to be read, and may say how their pods are spoken to
			r.shared = appendOnce(r.shared, g.Service)
		}
		r.actions[name] = func(u *rule) (err error) {
			u.backends, err = r.albShares(groups, at)
			return err
		}
	default:
		return refuse(fmt.Errorf("an action of type %.20q has no counterpart: the route answers 500", in.Type))
	}
	return nil
}

// albShares are the backends of a forward action.
func (r *reader) albShares(groups []albGroup, at string) ([]gatewayv1.HTTPBackendRef, error) {
	out := make([]gatewayv1.HTTPBackendRef, 0, len(groups))
	for _, g := range groups {
		var want networkingv1.ServiceBackendPort
		if json.Unmarshal(g.Port, &want.Number) != nil {
			if err := json.Unmarshal(g.Port, &want.Name); err != nil {
				return nil, errors.New("a target group names no port")
			}
			if n, err := number(want.Name, 1, 65535); err == nil {
				want = networkingv1.ServiceBackendPort{Number: int32(n)} //nolint:gosec // number bounds it
			}
		}
		if g.Service == "" {
			return nil, errors.New("a target group names no Service")
		}
		ref, err := r.conversion.backend(r.plan, at, &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: g.Service, Port: want}})
		if err != nil {
			return nil, err
		}
		ref.Weight = g.Weight
		out = append(out, ref)
	}
	if len(out) == 0 {
		return nil, errors.New("a forward action has no target groups")
	}
	return out, nil
}

// albTo reads a redirect. What is in #{} stands for what was asked for.
func albTo(protocol, port, name, path, query, code string) (*gatewayv1.HTTPRequestRedirectFilter, error) {
	status := map[string]int{"HTTP_301": 301, "HTTP_302": 302}[code]
	if status == 0 {
		return nil, fmt.Errorf("%.20q is neither HTTP_301 nor HTTP_302", code)
	}
	out := &gatewayv1.HTTPRequestRedirectFilter{StatusCode: &status}
	if query != "" && query != "#{query}" {
		return nil, errors.New("a redirect of an HTTPRoute has no query of its own")
	}
	if protocol != "" && protocol != "#{protocol}" {
		scheme := strings.ToLower(protocol)
		out.Scheme = &scheme
	}
	if port != "" && port != "#{port}" && (port != "443" || protocol != "HTTPS") {
		n, err := number(port, 1, 65535)
		if err != nil {
			return nil, err
		}
		p := gatewayv1.PortNumber(n) //nolint:gosec // number bounds it
		out.Port = &p
	}
	if name != "" && name != "#{host}" {
		h, err := host(name)
		if err != nil {
			return nil, err
		}
		precise := gatewayv1.PreciseHostname(h)
		out.Hostname = &precise
	}
	if path != "" && path != "/#{path}" {
		if strings.Contains(path, "#{") {
			return nil, fmt.Errorf("%.80q puts the path into another one", path)
		}
		out.Path = &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &path}
	}
	return out, nil
}

// albWant is one condition.
type albWant struct {
	Field  string `json:"field"`
	Header *struct {
		Name   string   `json:"httpHeaderName"`
		Values []string `json:"values"`
	} `json:"httpHeaderConfig"`
	Method *struct {
		Values []string `json:"values"`
	} `json:"httpRequestMethodConfig"`
	Query *struct {
		Values []struct{ Key, Value string } `json:"values"`
	} `json:"queryStringConfig"`
}

// albCondition reads what more a request must have, for a backend.
func (r *reader) albCondition(v string) error {
	_, name, _ := strings.Cut(r.line.Source, "/conditions.")
	var in []albWant
	if err := json.Unmarshal([]byte(v), &in); err != nil {
		return errors.New("it is no JSON of conditions")
	}
	matches := []gatewayv1.HTTPRouteMatch{{}}
	many := false
	each := func(n int, set func(*gatewayv1.HTTPRouteMatch, int)) { // any of n, beside what there is
		if many = many || n*len(matches) > maxMatches; many {
			return
		}
		out := make([]gatewayv1.HTTPRouteMatch, 0, n*len(matches))
		for _, m := range matches {
			for i := range n {
				one := *m.DeepCopy()
				set(&one, i)
				out = append(out, one)
			}
		}
		matches = out
	}
	for _, c := range in {
		switch {
		case c.Field == "http-header" && c.Header != nil && len(c.Header.Values) > 0 && headerName.MatchString(c.Header.Name):
			of := gatewayv1.HeaderMatchRegularExpression
			each(len(c.Header.Values), func(m *gatewayv1.HTTPRouteMatch, i int) {
				m.Headers = append(m.Headers, gatewayv1.HTTPHeaderMatch{Type: &of, Name: gatewayv1.HTTPHeaderName(c.Header.Name), Value: wild(c.Header.Values[i])})
			})
		case c.Field == "http-request-method" && c.Method != nil && len(c.Method.Values) > 0:
			each(len(c.Method.Values), func(m *gatewayv1.HTTPRouteMatch, i int) {
				of := gatewayv1.HTTPMethod(c.Method.Values[i])
				m.Method = &of
			})
		case c.Field == "query-string" && c.Query != nil && len(c.Query.Values) > 0:
			for _, q := range c.Query.Values {
				if q.Key == "" {
					return errors.New("a parameter without a name cannot be asked for")
				}
			}
			of := gatewayv1.QueryParamMatchRegularExpression
			each(len(c.Query.Values), func(m *gatewayv1.HTTPRouteMatch, i int) {
				m.QueryParams = append(m.QueryParams, gatewayv1.HTTPQueryParamMatch{Type: &of, Name: gatewayv1.HTTPHeaderName(c.Query.Values[i].Key), Value: wild(c.Query.Values[i].Value)})
			})
		default:
			return fmt.Errorf("a condition by %.30q is not converted: hosts and paths are rules of the Ingress, and addresses are for an AccessPolicy", c.Field)
		}
	}
	if many {
		return fmt.Errorf("together they are more than %d ways to ask", maxMatches)
	}
	if r.plan.matches == nil {
		r.plan.matches = map[string][]gatewayv1.HTTPRouteMatch{}
	}
	r.plan.matches[name] = matches
	return nil
}

// wild is an expression for a text in which "*" stands for any text, and "?" for any
// character, whatever the case.
func wild(v string) string {
	return "(?i)" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(v))
}
