// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// environmentFlags say what manifests seldom do: what the groups among the peers
// are in the cluster.
type environmentFlags struct {
	domain string
	notation.Surroundings
}

func (f *environmentFlags) add(flags *pflag.FlagSet) {
	const form = "; an address, a block of addresses, or pods as namespace/key=value,key=value; :port at its end for another port than usual"
	flags.StringVar(&f.domain, "cluster-domain", generator.DefaultDomain, "domain of the cluster's Services")
	flags.StringArrayVar(&f.DNS, "dns", nil, "the name servers, default what the files say, else kube-system/k8s-app=kube-dns"+form)
	flags.StringArrayVar(&f.APIServer, "api-server", nil, "the API server, on 6443"+form)
	flags.StringArrayVar(&f.Nodes, "node-cidr", nil, "addresses of the nodes")
	flags.StringArrayVar(&f.Gateway, "gateway", nil, "the pods of the ingress gateway"+form)
	flags.StringArrayVar(&f.Monitoring, "monitoring", nil, "the pods that scrape metrics"+form)
	flags.StringArrayVar(&f.Pods, "pod-cidr", nil, "addresses of pods, which are not outside of the cluster")
	flags.StringArrayVar(&f.Services, "service-cidr", nil, "cluster addresses of Services, which are not outside of the cluster")
}

// assumedDNS is where most distributions run their name servers: the label that
// the Service kube-system/kube-dns selects, in kubeadm, EKS, AKS, GKE and k3s.
const assumedDNS = "kube-system/k8s-app=kube-dns"

// apply puts what the flags say in the place of what the files said. It returns
// what was assumed, in words. All faults come together.
func (f *environmentFlags) apply(env *generator.Environment) (assumed []string, err error) {
	if env.Domain = strings.ToLower(strings.Trim(f.domain, ".")); len(validation.IsDNS1123Subdomain(env.Domain)) > 0 {
		return nil, fmt.Errorf("--cluster-domain %q: not a domain such as %s", f.domain, generator.DefaultDomain)
	}
	err = f.Apply(env)
	if env.DNS.Empty() && len(f.DNS) == 0 {
		var usual error
		if env.DNS, usual = notation.ParseGroup([]string{assumedDNS}, notation.UsualDNS); usual != nil {
			err = errors.Join(err, usual)
		}
		env.DNS.Where = "the usual place"
		assumed = append(assumed, "no name servers are among the objects: "+assumedDNS+" on port 53 is assumed (--dns says otherwise)")
	}
	return assumed, err
}
