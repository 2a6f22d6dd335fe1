// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// wholeCluster is the policies of templates for the whole cluster, and what they mean.
type wholeCluster struct {
	objects []metav1.Object
	read    []verify.Policy
}

// withTiers tells whether who enforces the policies has ClusterNetworkPolicies: Cilium from
// 1.20 and Calico from 3.32 do (policy-templates/cluster-wide-tiers/README.md).
func (f *generateFlags) withTiers() bool {
	return f.dialect.name == inClusterPolicy || f.dialect.name == inCilium || f.model.enforcer == inCilium || f.model.enforcer == "calico"
}

// tiers writes the tiers of the chosen templates. They count in the proof: a tier that
// denies what is declared refuses the plan. Where nobody enforces them, a template of
// nothing else is an error, and for another one it is told.
func (a *app) tiers(read *modelled, f *generateFlags) (wholeCluster, error) {
	var out wholeCluster
	list := read.preset.tiers
	switch {
	case len(list) == 0:
		return out, nil
	case f.withTiers():
	case len(read.preset.only) > 0:
		return out, fmt.Errorf("--template %s: ClusterNetworkPolicies for the whole cluster, which --dialect clusternetworkpolicy and cilium write, and NetworkPolicies where --enforcer is cilium or calico", strings.Join(read.preset.only, ", "))
	default:
		if !f.model.quiet {
			a.say("note: ClusterNetworkPolicies of templates are left out, which --dialect clusternetworkpolicy and cilium write, and NetworkPolicies where --enforcer is cilium or calico: %d", len(list))
		}
		return out, nil
	}
	o := clusterpolicy.RenderOptions{}
	if f.dialect.experimental {
		o.Channel = clusterpolicy.Experimental
	}
	objects, err := clusterpolicy.Tiers(read.model, list, o)
	if err != nil {
		return out, fmt.Errorf("write the tiers of templates: %w", err)
	}
	if out.read, err = clusterpolicy.Read(objects); err != nil {
		return out, fmt.Errorf("read the tiers of templates back: %w", err)
	}
	for _, o := range objects {
		out.objects = append(out.objects, o)
	}
	return out, nil
}
