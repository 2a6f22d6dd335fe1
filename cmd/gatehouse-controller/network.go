// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
	"github.com/gatehouse-sh/gatehouse/internal/hubble"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// networkSources say who enforces policies, and how a Hubble Relay is reached.
type networkSources struct {
	enforcer string
	relay    hubble.Access
}

// networkFlags adds what the plans of namespaces need to know.
func networkFlags(flags *flag.FlagSet, o *networkplan.Options) *networkSources {
	const form = ": an address, a block of addresses, or pods as namespace/key=value,key=value; may be repeated"
	list := func(to *[]string, name, usage string) {
		flags.Func(name, usage, func(text string) error {
			*to = append(*to, text)
			return nil
		})
	}
	flags.IntVar(&o.AtOnce, "network-at-once", 1, "how many namespaces may be applied network policies for the first time at once, watched and withdrawn ones included; 0 for no network plans")
	flags.DurationVar(&o.Watch, "network-watch", 10*time.Minute, "how long a namespace is watched after its network policies were applied; they are withdrawn if what they allow is dropped")
	flags.DurationVar(&o.Settle, "network-settle", 10*time.Second, "how long network policies are given to take effect before something is denied or deleted")
	r := &networkSources{}
	flags.StringVar(&r.enforcer, "enforcer", enforcer.Names()[0], "who enforces network policies: "+strings.Join(enforcer.Names(), ", "))
	flags.StringVar(&o.Network.Domain, "cluster-domain", generator.DefaultDomain, "domain of the cluster's Services")
	list(&o.Network.Surroundings.DNS, "dns", "the name servers, if they are not behind the usual Service"+form)
	list(&o.Network.Surroundings.APIServer, "api-server", "the API server, if it is not behind default/kubernetes"+form)
	list(&o.Network.Surroundings.Gateway, "gateway", "the pods of the ingress gateway"+form)
	list(&o.Network.Surroundings.Monitoring, "monitoring", "the pods that scrape metrics"+form)
	list(&o.Network.Surroundings.Nodes, "node-cidr", "addresses of the nodes, if not those that the Nodes say; may be repeated")
	list(&o.Network.Surroundings.Pods, "pod-cidr", "addresses of pods, if not those that the Nodes say; may be repeated")
	list(&o.Network.Surroundings.Services, "service-cidr", "cluster addresses of Services; may be repeated")
	list(&o.Network.Classes, "gateway-class", "class of Ingresses and Gateways that the pods of -gateway serve; may be repeated")
	r.relay.Add(flags, "whose flows say what network policies drop or would drop")
	return r
}

// load finds the enforcer and the templates that plans may name.
func (r *networkSources) load(o *networkplan.Options) (err error) {
	if o.Network.Enforcer, err = enforcer.Find(r.enforcer); err != nil {
		return err
	}
	o.Network.Templates, err = templates.Load(policytemplates.FS)
	return err
}
