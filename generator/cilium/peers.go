// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"slices"

	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// The label by which Cilium knows the namespace of a pod, and the source of all
// labels that come from Kubernetes: pods also have some from elsewhere.
const (
	fromKubernetes = "k8s:"
	podNamespace   = fromKubernetes + "io.kubernetes.pod.namespace"
)

// entities returns Cilium's word for a group of the environment, if it has one.
func (r *renderer) entities(k generator.PeerKind) api.EntitySlice {
	switch {
	case k == generator.APIServerPeer:
		return api.EntitySlice{api.EntityKubeAPIServer}
	case k == generator.NodePeer:
		return api.EntitySlice{api.EntityHost, api.EntityRemoteNode}
	case k == generator.GatewayPeer && r.options.Gateway == OwnGateway:
		return api.EntitySlice{api.EntityIngress}
	}
	return nil
}

// peers writes peers of a rule down, and returns the edges of those that can be.
func (r *renderer) peers(p *compact.Policy, list []compact.Peer, edges []*generator.Edge) (rule, []*generator.Edge) {
	var out rule
	var blocks []compact.Peer
	var refused rendering.Refusals
	for i := range list {
		q := &list[i]
		var err error
		switch {
		case q.IsName():
			var name api.FQDNSelector
			if name, err = r.name(p, q.Name); err == nil {
				out.names = append(out.names, name)
			}
		case q.IsBlock():
			if entities := r.entities(q.Kind); entities != nil {
				out.mention(entities)
			} else {
				blocks = append(blocks, *q)
			}
		case q.Kind != generator.ClusterPeer && len(q.Namespaces) == 0:
			err = rendering.ErrNobody
		default:
			out.endpoints = append(out.endpoints, endpoints(p.Namespace, q))
		}
		if err != nil {
			refused.Add(q, err)
		}
	}
	r.blocks(&out, blocks, &refused)
	return out, r.problems.Refuse(p.Direction, edges, &refused)
}

// mention adds entities that are not there yet.
func (r *rule) mention(list api.EntitySlice) {
	for _, e := range list {
		if !slices.Contains(r.entities, e) {
			r.entities = append(r.entities, e)
		}
	}
}

// subjectOf selects the pods of a policy. Clusterwide they are pods, and not
// whatever else Cilium has an identity for.
func subjectOf(p *compact.Policy) api.EndpointSelector {
	matchLabels, expressions := translate(&p.Subject)
	if p.Namespace == "" {
		expressions = append(expressions, slim.LabelSelectorRequirement{Key: podNamespace, Operator: slim.LabelSelectorOpExists})
	}
	return selectorOf(matchLabels, expressions)
}

// endpoints selects the pods of a peer, seen from a namespace: without a word
// about namespaces it is about that one.
func endpoints(namespace string, q *compact.Peer) api.EndpointSelector {
	matchLabels, expressions := translate(&q.Pods)
	switch {
	case q.Kind == generator.ClusterPeer && len(q.Namespaces) == 0:
		expressions = append(expressions, slim.LabelSelectorRequirement{Key: podNamespace, Operator: slim.LabelSelectorOpExists})
	case len(q.Namespaces) > 1:
		expressions = append(expressions, slim.LabelSelectorRequirement{Key: podNamespace, Operator: slim.LabelSelectorOpIn, Values: slices.Clone(q.Namespaces)})
	case q.Namespaces[0] != namespace:
		if matchLabels == nil {
			matchLabels = map[string]string{}
		}
		matchLabels[podNamespace] = q.Namespaces[0]
	}
	return selectorOf(matchLabels, expressions)
}

func selectorOf(matchLabels map[string]string, expressions []slim.LabelSelectorRequirement) api.EndpointSelector {
	return api.EndpointSelector{LabelSelector: &slim.LabelSelector{MatchLabels: matchLabels, MatchExpressions: expressions}}
}

func translate(s *metav1.LabelSelector) (map[string]string, []slim.LabelSelectorRequirement) {
	var matchLabels map[string]string
	for key, value := range s.MatchLabels {
		if matchLabels == nil {
			matchLabels = make(map[string]string, len(s.MatchLabels))
		}
		matchLabels[fromKubernetes+key] = value
	}
	expressions := make([]slim.LabelSelectorRequirement, 0, len(s.MatchExpressions)+1)
	for _, e := range s.MatchExpressions {
		expressions = append(expressions, slim.LabelSelectorRequirement{
			Key: fromKubernetes + e.Key, Operator: slim.LabelSelectorOperator(e.Operator), Values: slices.Clone(e.Values),
		})
	}
	return matchLabels, expressions
}
