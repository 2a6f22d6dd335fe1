// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// match reads what a request must have.
func (b *ruleBuilder) match(at string, m *gatewayv1.HTTPRouteMatch) {
	var out config.Match
	if p := m.Path; p != nil {
		of, value := gatewayv1.PathMatchPathPrefix, "/"
		if p.Type != nil {
			of = *p.Type
		}
		if p.Value != nil {
			value = *p.Value
		}
		switch of {
		case gatewayv1.PathMatchExact:
			out.Path.Exact = value
		case gatewayv1.PathMatchPathPrefix:
			out.Path.Prefix = value
		case gatewayv1.PathMatchRegularExpression:
			out.Path.Regex = value
		default:
			b.unsupported(at+".path.type", string(of)+" is not known")
			b.out.wrong = append(b.out.wrong, fmt.Sprintf("matches[%d].path", len(b.out.matches)))
		}
	}
	if m.Method != nil {
		out.Method = string(*m.Method)
	}
	for _, h := range m.Headers {
		regex := h.Type != nil && *h.Type == gatewayv1.HeaderMatchRegularExpression
		out.Headers = append(out.Headers, valueOf(string(h.Name), h.Value, regex))
	}
	for _, q := range m.QueryParams {
		regex := q.Type != nil && *q.Type == gatewayv1.QueryParamMatchRegularExpression
		out.Query = append(out.Query, valueOf(string(q.Name), q.Value, regex))
	}
	b.out.matches = append(b.out.matches, out)
}

func valueOf(name, value string, regex bool) config.ValueMatch {
	if regex {
		return config.ValueMatch{Name: name, Regex: value}
	}
	return config.ValueMatch{Name: name, Exact: value}
}
