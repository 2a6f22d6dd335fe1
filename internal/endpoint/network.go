// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// maxWho bounds the list of those who may connect; the rest is counted.
const maxWho = 10

// network answers who may connect to a workload, by the policies of the network.
type network struct {
	model   *generator.Model
	asker   *verify.Asker // nil without policies
	fault   string
	gateway []generator.PodSet
	pods    []verify.End // of the gateway, known or not
	outside []verify.End
	known   map[asked]Network
}

type asked struct {
	id   generator.WorkloadID
	port generator.Port
}

// newNetwork asks for the pods of the gateway: of the group, or where it is installed, and
// those that were made for one of its Gateways.
func newNetwork(in *Input, gateways []translate.Name) *network {
	n := &network{model: in.Model, fault: in.PoliciesFault, known: map[asked]Network{}}
	if in.Model == nil {
		if n.fault == "" {
			n.fault = "the policies of the network were not read"
		}
		return n
	}
	if in.Policies != nil {
		n.asker = in.Policies.Asker()
	}
	group, _ := in.Model.Environment.Group(generator.GatewayPeer)
	if n.gateway = slices.Clone(group.Pods); group.Empty() {
		n.gateway = Installed(in.Parameters).Pods
	}
	for _, name := range gateways {
		n.gateway = append(n.gateway, generator.PodSet{Namespace: name.Namespace, Labels: map[string]string{gatewayLabel: name.Name}})
	}
	n.pods = verify.Samples(in.Model, generator.Peer{Kind: generator.GatewayPeer})
	n.outside = verify.Samples(in.Model, generator.Peer{Kind: generator.ExternalPeer})
	return n
}

// of says who may connect to a port of a workload; nil is a port that is not known.
func (n *network) of(id generator.WorkloadID, port *generator.Port) Network {
	switch {
	case n.fault != "":
		return unknownNetwork(n.fault)
	case port == nil:
		return unknownNetwork("the port is not known")
	}
	w := n.model.Universe.Workload(id)
	switch {
	case w == nil:
		return unknownNetwork("the workload is not among the objects")
	case w.HostNetwork:
		return Network{State: NetworkEveryone, Why: "it is on the network of its node, to which policies do not apply", Who: []string{}}
	case n.asker == nil:
		return Network{State: NetworkEveryone, Why: "there is no policy of the network", Who: []string{}}
	}
	q := asked{id, *port}
	out, done := n.known[q]
	if !done {
		out = n.ask(w, *port)
		n.known[q] = out
	}
	return out
}

func unknownNetwork(why string) Network {
	return Network{State: NetworkUnknown, Why: why, Who: []string{}}
}

// ask asks for everybody: first for those who stand for many.
func (n *network) ask(w *generator.Workload, port generator.Port) Network {
	to, out := verify.PodOf(w.ID), Network{State: NetworkNobody, Who: []string{}}
	may := func(from verify.End) bool {
		if out.State == NetworkUnknown {
			return false
		}
		v, err := n.asker.Allowed(from, to, port)
		if err == nil {
			err = n.asker.Err()
		}
		if err != nil {
			out = unknownNetwork(err.Error())
		}
		return err == nil && v.Allowed
	}
	for _, wide := range []struct {
		state string
		ends  []verify.End
	}{
		{NetworkEveryone, n.outside},
		{NetworkCluster, []verify.End{verify.StrangerIn("")}},
		{NetworkNamespace, []verify.End{verify.StrangerIn(w.ID.Namespace)}},
	} {
		if slices.ContainsFunc(wide.ends, may) {
			out.State = wide.state
			return out
		}
	}
	gateway := slices.ContainsFunc(n.pods, may)
	for _, other := range n.model.Universe.Workloads() {
		if other.ID == w.ID || other.HostNetwork || !may(verify.PodOf(other.ID)) {
			continue
		}
		if n.isGateway(other) {
			gateway = true
			continue
		}
		if len(out.Who) == maxWho {
			out.More++
		} else {
			out.Who = append(out.Who, other.ID.String())
		}
	}
	switch {
	case out.State == NetworkUnknown:
	case len(out.Who) > 0:
		if out.State = NetworkSome; !gateway {
			out.Why = "the gateway is not among them, as far as its pods are known"
		}
	case gateway:
		out.State = NetworkGateway
	default:
		out.Why = fmt.Sprintf("no pod that is known may connect; of the gateway %d workloads are known", n.gateways())
	}
	return out
}

func (n *network) isGateway(w *generator.Workload) bool {
	return slices.ContainsFunc(n.gateway, func(s generator.PodSet) bool { return s.Holds(w.ID.Namespace, w.Labels) })
}

func (n *network) gateways() int {
	out := 0
	for _, w := range n.model.Universe.Workloads() {
		if n.isGateway(w) {
			out++
		}
	}
	return out
}
