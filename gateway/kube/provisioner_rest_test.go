// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestNothingIsMadeOfWhatIsTheSame: objects are looked at when something else is wanted, or
// when it is time, and not each time that somebody says something.
func TestNothingIsMadeOfWhatIsTheSame(t *testing.T) {
	t.Parallel()
	now, edge := time.Now(), translate.Name{Namespace: "shop", Name: "edge"}
	wanted := func(port uint16) *provision.Gateway {
		return &provision.Gateway{Namespace: "shop", Name: "edge", Ports: []provision.Port{{Number: port}}}
	}
	for what, tc := range map[string]struct {
		state *provisioned
		now   *provision.Gateway
		rests bool
	}{
		"the same":                            {&provisioned{of: wanted(80), due: now.Add(1)}, wanted(80), true},
		"the same, and it is due":             {&provisioned{of: wanted(80), due: now}, wanted(80), false},
		"another port":                        {&provisioned{of: wanted(80), due: now.Add(1)}, wanted(443), false},
		"another port, and it cannot be made": {&provisioned{of: wanted(80), due: now.Add(1), fault: errors.New("no right")}, wanted(443), true},
		"it goes":                             {&provisioned{of: wanted(80), due: now.Add(1)}, nil, false},
		"it has gone":                         {&provisioned{due: now.Add(1)}, nil, true},
		"it is new":                           {nil, wanted(80), false},
	} {
		p := newProvisioner(nil, &provision.Options{}, logr.Discard(), func() {})
		if tc.state != nil {
			p.state[edge] = tc.state
		}
		if got := p.rests(edge, tc.now, now); got != tc.rests {
			t.Errorf("%s: it rests: %v", what, got)
		}
	}
}
