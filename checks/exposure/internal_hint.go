// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// commonClouds are named when nothing says which controller is meant.
var commonClouds = []string{"aws", "aws-load-balancer-controller", "azure", "gke"}

// internalHint says how to make a load balancer internal, as a clause for the
// end of a Fix; empty where no annotation does it. The controller is the one that
// the Service means, else those of the configuration, else the common ones.
func internalHint(svc *corev1.Service, v loadbalancer.Verdict, cfg loadbalancer.Config) string {
	const most = 4
	if class := svc.Spec.LoadBalancerClass; class != nil {
		return classHint(*class, v)
	}
	names := commonClouds
	switch {
	case v.Provider != "":
		names = []string{v.Provider}
	case len(cfg.Providers) > 0:
		names = cfg.Providers[:min(most, len(cfg.Providers))]
	}
	asks := make([]string, 0, len(names))
	for _, name := range names {
		row, known := loadbalancer.Lookup(name)
		if ask := row.AskInternal(); known && ask != "" {
			asks = append(asks, ask+" ("+row.Title+")")
		}
	}
	if len(asks) == 0 {
		return ""
	}
	for i := 1; i < len(asks); i++ {
		asks[i] = strings.TrimPrefix(asks[i], "set the annotation ")
	}
	return "; if the private network alone needs it: " + strings.Join(asks, ", or ")
}

// classHint is internalHint for a Service that names its controller by a class.
func classHint(class string, v loadbalancer.Verdict) string {
	row, known := loadbalancer.Lookup(v.Provider)
	if !known {
		return "; if the class " + clipValue(class) + " makes internal load balancers only, list it in spec.parameters.loadBalancers.classes of the CheckPolicy"
	}
	for _, c := range row.Classes {
		if c.Name != class || c.Scheme == loadbalancer.Unknown {
			continue
		}
		if internal := row.InternalClass(); internal != "" {
			return "; if the private network alone needs it: make the Service anew with the class " + internal + " (" + row.Title + ")"
		}
		return ""
	}
	if ask := row.AskInternal(); ask != "" {
		return "; if the private network alone needs it: " + ask + " (" + row.Title + ")"
	}
	return ""
}
