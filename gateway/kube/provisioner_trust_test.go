// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestOneGatewayDoesNotBlockTheAuthority: it is replaced once all data planes know the next
// one, but for those whose objects nobody can make.
func TestOneGatewayDoesNotBlockTheAuthority(t *testing.T) {
	t.Parallel()
	now, fault := time.Now(), errors.New("it is there, and is not of this Gateway")
	before, next := []byte("before"), []byte("next")
	edge, other := translate.Name{Namespace: "shop", Name: "edge"}, translate.Name{Namespace: "shop", Name: "other"}
	both := map[translate.Name]*provision.Gateway{edge: {}, other: {}}
	made := &provisioned{bundle: next}
	for what, tc := range map[string]struct {
		wanted map[translate.Name]*provision.Gateway
		edge   *provisioned
		has    bool
		trusts bool
		tells  bool
	}{
		"all have it":                    {both, &provisioned{bundle: next}, true, true, false},
		"one has the one before":         {both, &provisioned{bundle: before}, true, false, false},
		"one was not tried yet":          {both, nil, true, false, false},
		"one is tried just now":          {both, &provisioned{}, true, false, false},
		"nothing is known yet":           {nil, nil, true, false, false},
		"there is no Gateway":            {map[translate.Name]*provision.Gateway{}, nil, true, true, false},
		"one is to go":                   {map[translate.Name]*provision.Gateway{edge: nil, other: {}}, nil, true, true, false},
		"one could never be made":        {both, &provisioned{fault: fault, since: now}, false, true, false},
		"its data planes are another's":  {both, &provisioned{fault: fault, since: now}, true, false, false},
		"it cannot be made any more":     {both, &provisioned{bundle: before, fault: fault, since: now.Add(1 - mostAwaited)}, true, false, false},
		"it could not for a long time":   {both, &provisioned{bundle: before, fault: fault, since: now.Add(-mostAwaited)}, true, true, true},
		"nor by the leader before":       {both, &provisioned{fault: fault, since: now.Add(-mostAwaited)}, true, true, true},
		"it has it, and something is up": {both, &provisioned{bundle: next, fault: fault, since: now}, true, true, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			log := &lines{}
			p := newProvisioner(nil, &provision.Options{}, log.logger(), func() {})
			p.wanted, p.state[other] = tc.wanted, made
			if tc.edge != nil {
				p.state[edge] = tc.edge
			}
			for range 2 {
				if got := p.trusts(next, func(translate.Name) bool { return tc.has }, now); got != tc.trusts {
					t.Errorf("all trust it: %v", got)
				}
			}
			if n := strings.Count(log.String(), "not waited for"); (n == 1) != tc.tells || n > 1 {
				t.Errorf("it is told %d times: %s", n, log)
			}
		})
	}
}
