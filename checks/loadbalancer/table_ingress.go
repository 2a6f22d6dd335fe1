// SPDX-License-Identifier: Apache-2.0

package loadbalancer

// ingressRows are controllers that make a load balancer of an Ingress or a Gateway.
func ingressRows() []Provider {
	return []Provider{
		{
			Name: "aws-alb-ingress", Title: "AWS Load Balancer Controller", Object: IngressObject,
			Keys: []KeyRule{{
				Annotation: "alb.ingress.kubernetes.io/scheme", Rule: Equals,
				Internal: []string{"internal"}, Public: []string{"internet-facing"},
			}},
			Marks:   []string{"alb.ingress.kubernetes.io/"},
			Classes: []Class{{Name: "alb"}},
			Default: Internal, DefaultIsSetting: true,
			Sources: []string{"https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/"},
			Note:    "spec.scheme of IngressClassParams overrides the annotation",
		},
		{
			Name: "gke-ingress", Title: "GKE Ingress controller", Object: IngressObject,
			Marks: []string{"ingress.gcp.kubernetes.io/", "networking.gke.io/"},
			Classes: []Class{
				{Name: "gce", Scheme: Public},
				{Name: "gce-internal", Scheme: Internal},
			},
			Default: Public,
			Sources: []string{"https://cloud.google.com/kubernetes-engine/docs/concepts/ingress"},
		},
		{
			Name: "azure-application-gateway", Title: "Azure Application Gateway Ingress controller", Object: IngressObject,
			Keys:    []KeyRule{{Annotation: "appgw.ingress.kubernetes.io/use-private-ip", Rule: ParseBool}},
			Marks:   []string{"appgw.ingress.kubernetes.io/"},
			Classes: []Class{{Name: "azure-application-gateway"}, {Name: "azure/application-gateway"}},
			Default: Public, DefaultIsSetting: true,
			Sources: []string{"https://azure.github.io/application-gateway-kubernetes-ingress/annotations/"},
		},
		{
			Name: "tailscale-ingress", Title: "Tailscale operator", Object: IngressObject,
			Keys:    []KeyRule{{Annotation: "tailscale.com/funnel", Rule: PublishesWhenTrue}},
			Classes: []Class{{Name: "tailscale"}},
			Default: Internal,
			Sources: []string{
				"https://github.com/tailscale/tailscale/blob/main/cmd/k8s-operator/ingress.go",
				"https://tailscale.com/docs/kubernetes-operator/ingress",
			},
			Note: "internal is the tailnet, whose members and their rights are set outside the cluster",
		},
		{
			Name: "ngrok-ingress", Title: "ngrok operator", Object: IngressObject,
			Classes: []Class{{Name: "ngrok", Scheme: Public}},
			Default: Public,
			Sources: []string{"https://ngrok.com/docs/k8s/guides/using-ingresses"},
			Note:    "a host that ends in .internal is reachable within the ngrok account only; it counts as public here",
		},
		{
			Name: "gke-gateway", Title: "GKE Gateway controller", Object: GatewayObject,
			Classes: []Class{
				{Name: "gke-l7-rilb", Scheme: Internal},
				{Name: "gke-l7-rilb-mc", Scheme: Internal},
				{Name: "gke-l7-gxlb", Scheme: Public},
				{Name: "gke-l7-gxlb-mc", Scheme: Public},
				{Name: "gke-l7-global-external-managed", Scheme: Public},
				{Name: "gke-l7-global-external-managed-mc", Scheme: Public},
				{Name: "gke-l7-regional-external-managed", Scheme: Public},
				{Name: "gke-l7-regional-external-managed-mc", Scheme: Public},
			},
			Default: Public,
			Sources: []string{"https://cloud.google.com/kubernetes-engine/docs/concepts/gateway-api"},
		},
	}
}
