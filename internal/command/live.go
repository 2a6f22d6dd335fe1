// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// clusterFlags choose a cluster, as in kubectl.
type clusterFlags struct {
	kubeconfig string
	context    string
}

func (f *clusterFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "`file` with the clusters; default: $KUBECONFIG, then ~/.kube/config")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig to use; default: the current one")
}

// errNoCluster is the fault of a machine without any kubeconfig.
var errNoCluster = errors.New("find the cluster: there is no kubeconfig; name one with --kubeconfig or $KUBECONFIG")

// connect returns how to reach the chosen cluster and what to call it.
func (f *clusterFlags) connect() (*rest.Config, string, error) {
	loading := clientcmd.NewDefaultClientConfigLoadingRules()
	loading.ExplicitPath = f.kubeconfig
	chosen := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loading, &clientcmd.ConfigOverrides{CurrentContext: f.context})
	config, err := chosen.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		// What client-go says here names a variable that it does not read.
		return nil, "", errNoCluster
	}
	if err != nil {
		return nil, "", fmt.Errorf("find the cluster: %w", err)
	}
	name := f.context
	if raw, err := chosen.RawConfig(); err == nil && name == "" {
		name = raw.CurrentContext
	}
	if name == "" {
		name = config.Host
	}
	return config, name, nil
}

// loadCluster reads a whole cluster. A kind that cannot be read is a fault.
func (a *app) loadCluster(ctx context.Context, config *rest.Config, name string) (loaded, error) {
	client, err := cluster.NewClient(config)
	if err != nil {
		return loaded{}, err
	}
	read, err := a.listCluster(ctx, client, name, cluster.LoadOptions{})
	if err != nil {
		return loaded{}, err
	}
	out := loaded{inventory: inventory.New(read.Objects...), live: true, targets: liveTargets(read.Objects)}
	for _, c := range read.Unread() {
		out.faults = append(out.faults, report.Fault{Message: c.String()})
	}
	return out, nil
}

// listCluster reads a cluster behind a bar.
func (a *app) listCluster(ctx context.Context, client *cluster.Client, name string, o cluster.LoadOptions) (cluster.Snapshot, error) {
	bar := a.progress("reading cluster "+name, 0)
	counts := map[string]int{}
	sum := 0
	o.Progress = func(kind inventory.Kind, n int) {
		sum += max(0, n-counts[kind.Resource+"."+kind.Group])
		counts[kind.Resource+"."+kind.Group] = n
		bar.set(sum)
	}
	read, err := client.Load(ctx, o)
	bar.stop()
	if err != nil {
		return read, fmt.Errorf("read cluster %s: %w", name, err)
	}
	return read, nil
}

// liveTargets are objects of a cluster, in order. They stand in no file.
func liveTargets(objects []inventory.Object) []target {
	out := make([]target, 0, len(objects))
	for _, o := range objects {
		key := inventory.KeyOf(o)
		version := o.GetObjectKind().GroupVersionKind().GroupVersion().String()
		out = append(out, target{object: o, key: key, at: report.Judged{Object: report.NewObject(version, key)}})
	}
	slices.SortFunc(out, func(x, y target) int { return x.key.Compare(y.key) })
	return out
}

// clusterPolicy returns the policy that a cluster's CheckPolicy makes; the
// default without one. From then on its custom checks are known.
func (a *app) clusterPolicy(ctx context.Context, config *rest.Config) (*policy.Policy, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's CheckPolicy: %w", err)
	}
	found, err := client.Resource(v1alpha1.GroupVersion.WithResource("checkpolicies")).Get(ctx, v1alpha1.CheckPolicyName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return policy.Default(a.set), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster's CheckPolicy: %w", err)
	}
	data, err := json.Marshal(found.Object)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's CheckPolicy: %w", err)
	}
	obj, err := policy.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's CheckPolicy: %w", err)
	}
	p, err := policy.CompileObject(a.set, obj)
	if err != nil {
		return nil, fmt.Errorf("compile the cluster's CheckPolicy: %w", err)
	}
	a.set = p.Set()
	return p, nil
}
