// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// The annotations by which the AWS Load Balancer Controller is told to send
// traffic to pods instead of nodes.
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/
const (
	awsTargetType = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
	awsType       = "service.beta.kubernetes.io/aws-load-balancer-type"
)

// loadBalancerNodePorts flags node ports that a load balancer does not need
// (EXP-007).
func loadBalancerNodePorts() checks.Check {
	return checks.Check{
		ID: "EXP-007", Name: "load-balancer-node-ports",
		Severity: checks.Low,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Warn},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Load balancers do not open node ports that they do not use",
			Why: "Kubernetes opens a node port for every port of a load balancer unless spec.allocateLoadBalancerNodePorts is false, and a port that is written out is opened even then. " +
				"Load balancers that deliver to the pods, or to their own address on a node, do not use it: MetalLB, Cilium, kube-vip, PureLB and AWS network load balancers with IP targets. " +
				"The port then stands open on every node, where the load balancer's own restrictions do not apply. " +
				"Other controllers need their node ports, or that they do not cannot be seen on the Service: those are not reported.",
			Attack: "whoever reaches a node reaches the pods past the load balancer",
			Fix:    "set spec.allocateLoadBalancerNodePorts to false and remove spec.ports[].nodePort",
			Exempt: "A load balancer whose health checks go to a node port.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-nodeport-allocation",
				"https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1864-disable-lb-node-ports",
				"https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if !isLoadBalancer(svc, in) {
				return nil
			}
			disabled := svc.Spec.AllocateLoadBalancerNodePorts != nil && !*svc.Spec.AllocateLoadBalancerNodePorts
			var out []checks.Finding
			for i, p := range svc.Spec.Ports {
				if disabled && p.NodePort != 0 {
					out = append(out, checks.Finding{
						Subject: portSubject(p), Field: fmt.Sprintf("spec.ports[%d].nodePort", i),
						Message: fmt.Sprintf("opens port %d on every node although spec.allocateLoadBalancerNodePorts is false", p.NodePort),
						Path:    []string{"any node address", inputName(in) + " (LoadBalancer)"},
					})
				}
			}
			if why, direct := deliversDirectly(svc); direct && !disabled {
				out = append(out, checks.Finding{
					Subject: "allocateLoadBalancerNodePorts", Field: "spec.allocateLoadBalancerNodePorts",
					Message: "opens a port on every node for each of its ports, which " + why + " does not use",
					Path:    []string{"any node address", inputName(in) + " (LoadBalancer)"},
				})
			}
			return out
		}),
		Fix: checks.FixOn(func(svc *corev1.Service) {
			disabled := svc.Spec.AllocateLoadBalancerNodePorts != nil && !*svc.Spec.AllocateLoadBalancerNodePorts
			if _, direct := deliversDirectly(svc); svc.Spec.Type != corev1.ServiceTypeLoadBalancer || !direct && !disabled {
				return
			}
			svc.Spec.AllocateLoadBalancerNodePorts = new(bool)
			for i := range svc.Spec.Ports {
				svc.Spec.Ports[i].NodePort = 0
			}
		}),
	}
}

// deliversDirectly reports whether what a Service says of itself is enough to
// know that its load balancer needs no node ports, and names it.
func deliversDirectly(svc *corev1.Service) (string, bool) {
	if svc.Spec.LoadBalancerClass == nil && len(svc.Annotations) == 0 {
		return "", false
	}
	switch v := loadbalancer.Classify(svc, loadbalancer.Config{}); v.Provider {
	case "metallb":
		return "MetalLB", true
	case "cilium":
		return "Cilium LB-IPAM", true
	case "kube-vip":
		return "kube-vip", true
	case "purelb":
		return "PureLB", true
	case "aws-load-balancer-controller":
		byIP := svc.Annotations[awsTargetType] == "ip" || svc.Annotations[awsType] == "nlb-ip"
		return "a network load balancer with IP targets", byIP
	}
	return "", false
}

// portSubject is the identity of a port inside a Service: the protocol matters
// only where it is not TCP.
func portSubject(p corev1.ServicePort) string {
	if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
		return fmt.Sprintf("port/%d", p.Port)
	}
	return fmt.Sprintf("port/%d/%s", p.Port, p.Protocol)
}
