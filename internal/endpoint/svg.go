// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/graph"
)

// MaxDrawn is how many endpoints are drawn: with more, nobody finds a line.
const MaxDrawn = 300

// Title is what a picture of a report is called.
const Title = "What is reachable from outside"

// weight says how a picture shows an endpoint: critical what is past the gateway, high
// what is without authentication, medium what is without TLS, or open to other pods than
// the gateway's, low what is guarded.
func (e *Endpoint) weight() checks.Severity {
	switch {
	case !e.Through.Gateway:
		return checks.Critical
	case e.Unauthenticated():
		return checks.High
	case e.TLS.State == TLSNone && e.Answer != AnswerRedirect, openness(e.networkText()) > openness(NetworkSome):
		return checks.Medium
	}
	return checks.Low
}

// Graph draws what leads to which endpoint, workload and account.
func (r *Report) Graph() (*graph.Graph, error) {
	if len(r.Endpoints) > MaxDrawn {
		return nil, fmt.Errorf("there are %d endpoints, and a picture has at most %d", len(r.Endpoints), MaxDrawn)
	}
	b := graph.NewBuilder(graph.Titles{"through", "endpoints", "workloads", "accounts"})
	for i := range r.Endpoints {
		e := &r.Endpoints[i]
		s := e.weight()
		own := b.Node(1, e.Address(), e.Authentication.State, s)
		b.Edge(b.Node(0, e.Through.By, e.Through.From, s), own, s)
		for w := range e.workloads() {
			power, _ := checks.ParseSeverity(w.Account.Power)
			to := b.Node(2, w.Kind+" "+w.Namespace+"/"+w.Name, "network: "+w.Network.State, s)
			b.Edge(own, to, s)
			b.Edge(to, b.Node(3, w.Namespace+"/"+w.Account.Name, "power: "+w.Account.Power, power), power)
		}
	}
	return b.Graph(), nil
}
