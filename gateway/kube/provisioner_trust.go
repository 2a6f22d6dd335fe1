// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// mostAwaited is how long the authority is not replaced for the sake of data planes whose
// objects cannot be made: who has a ConfigMap in one namespace, or takes a right back there,
// is not to keep an authority in use whose key others may have.
const mostAwaited = time.Hour

// trusts tells whether the objects of all Gateways have a bundle, as far as they are waited
// for. Before they were all tried once nobody knows. Those that cannot be made are waited
// for while they have data planes, for mostAwaited.
func (p *provisioner) trusts(bundle []byte, has func(translate.Name) bool, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted == nil {
		return false
	}
	all := true
	for name, g := range p.wanted {
		s := p.state[name]
		switch {
		case g == nil:
		case s == nil || s.fault == nil && s.bundle == nil:
			all = false // it was not tried yet
		case bytes.Equal(s.bundle, bundle):
		case s.fault == nil:
			all = false
		case s.bundle == nil && !has(name): // there is nobody who could trust anything
		case now.Sub(s.since) < mostAwaited:
			all = false
		case !s.told:
			s.told = true
			p.log.Info("the data planes of a Gateway are not waited for when the authority is replaced, since its objects cannot be made", "gateway", name.String(), "fault", s.fault.Error(), "since", s.since)
		}
	}
	return all
}
