// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// The dialects by the names that users give them.
const (
	inNetworkPolicy = "networkpolicy"
	inCilium        = "cilium"
	inClusterPolicy = "clusternetworkpolicy"
)

var dialects = []string{inNetworkPolicy, inCilium, inClusterPolicy}

// ciliumFlags say how Cilium is set up.
type ciliumFlags struct{ words []string }

// The words of --cilium.
const (
	ownGateway = "own-gateway"
	withSCTP   = "sctp"
)

var ciliumWords = []string{ownGateway, withSCTP}

func (f *ciliumFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.words, "cilium", nil, "how Cilium is set up: "+ownGateway+" where it is the ingress gateway itself, with the addresses of --gateway; "+withSCTP+" where enable-sctp is set")
}

// options are what the flags say about Cilium.
func (f *ciliumFlags) options() (cilium.RenderOptions, error) {
	var out cilium.RenderOptions
	for _, word := range f.words {
		if err := oneOf("--cilium", word, ciliumWords); err != nil {
			return out, err
		}
		switch word {
		case ownGateway:
			out.Gateway = cilium.OwnGateway
		case withSCTP:
			out.SCTP = true
		}
	}
	return out, nil
}

// dialectFlags say in which kind of object policies are written.
type dialectFlags struct {
	name         string
	labels       string
	tier         string
	priority     int32
	experimental bool
	flags        *pflag.FlagSet
}

var tiers = map[string]policyv1alpha2.Tier{"admin": policyv1alpha2.AdminTier, "baseline": policyv1alpha2.BaselineTier}

func (f *dialectFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.flags = flags
	flags.StringVar(&f.name, "dialect", inNetworkPolicy, "what to write: "+strings.Join(dialects, ", ")+"; the last says nothing of connections from outside of the pods, so that alone it is never exact")
	flags.StringVar(&f.labels, "cilium-labels", "", "what cilium-config says under \"labels\": which labels of pods Cilium's policies see")
	flags.StringVar(&f.tier, "tier", "baseline", "of clusternetworkpolicy: baseline, which policies of a namespace override, or admin, which nothing does")
	flags.Int32Var(&f.priority, "priority", 100, fmt.Sprintf("of clusternetworkpolicy: the first of the %d priorities that it takes, from 0; lower ones count first", clusterpolicy.Levels))
	flags.BoolVar(&f.experimental, "experimental", false, "of clusternetworkpolicy: the cluster has the experimental fields, which know domain names")
	complete(cmd, "dialect", fixed(dialects...))
	complete(cmd, "tier", fixed("baseline", "admin"))
}

// chosen is a dialect, and how plans are made for it.
type chosen struct {
	plan.Dialect[metav1.Object]
	options plan.Options
}

// dialect returns the dialect that the flags choose, and what plans in it are to be
// for who enforces them.
func (f *dialectFlags) dialect(c *ciliumFlags, by string) (chosen, error) {
	var out chosen
	if err := oneOf("--dialect", f.name, dialects); err != nil {
		return out, err
	}
	for _, name := range []string{"tier", "priority"} {
		if f.name != inClusterPolicy && f.flags.Changed(name) {
			return out, fmt.Errorf("--%s is of --dialect %s, and --dialect %s has none", name, inClusterPolicy, f.name)
		}
	}
	tier, known := tiers[f.tier]
	if !known {
		return out, oneOf("--tier", f.tier, []string{"baseline", "admin"})
	}
	if f.priority < 0 || f.priority > clusterpolicy.MaxFirst {
		return out, fmt.Errorf("--priority %d: not from 0 to %d", f.priority, clusterpolicy.MaxFirst)
	}
	ofCilium, err := c.options()
	if err != nil {
		return out, err
	}
	profile, err := enforcer.Find(by)
	switch {
	case err != nil:
		return out, fmt.Errorf("--%w", err)
	case f.name == inNetworkPolicy || by == enforcer.Names()[0] || f.name == inCilium && by == inCilium:
	default:
		return out, fmt.Errorf("--enforcer %s is about NetworkPolicies, and --dialect %s is another kind", by, f.name)
	}
	seen, err := selector.IdentityLabels(f.labels)
	if err != nil {
		return out, fmt.Errorf("--cilium-labels: %w", err)
	}
	switch f.name {
	case inNetworkPolicy:
		out.options = plan.Options{Compact: compact.Options{Selectors: profile.Selectors()}, Adapt: profile.Adapt, Verify: profile.Verify()}
		if out.options.Compact.Selectors.Visible != nil && f.labels != "" {
			out.options.Compact.Selectors.Visible = seen
		}
		out.Dialect = boxed[*networkingv1.NetworkPolicy](netpol.Dialect(netpol.RenderOptions{}))
	case inCilium:
		out.options.Compact.Selectors.Visible = seen
		out.Dialect = boxed[*cilium.Policy](cilium.Dialect(ofCilium))
	case inClusterPolicy:
		o := clusterpolicy.RenderOptions{Tier: tier, Priority: f.priority}
		if f.experimental {
			o.Channel = clusterpolicy.Experimental
		}
		out.Dialect = boxed[*policyv1alpha2.ClusterNetworkPolicy](clusterpolicy.Dialect(o))
	}
	return out, nil
}

// boxed is a dialect of which only the names of the objects are known.
func boxed[T metav1.Object](d plan.Dialect[T]) plan.Dialect[metav1.Object] {
	return plan.Dialect[metav1.Object]{
		Requests: d.Requests,
		Render: func(m *generator.Model, policies []compact.Policy) ([]metav1.Object, []generator.Problem) {
			list, problems := d.Render(m, policies)
			out := make([]metav1.Object, len(list))
			for i, o := range list {
				out[i] = o
			}
			return out, problems
		},
		Read: func(m *generator.Model, list []metav1.Object) ([]verify.Policy, error) {
			out := make([]T, len(list))
			for i, o := range list {
				typed, is := o.(T)
				if !is {
					return nil, fmt.Errorf("%s is no policy of this dialect", o.GetName())
				}
				out[i] = typed
			}
			return d.Read(m, out)
		},
	}
}
