// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// liveFlags choose a cluster to read beside files, or instead of them.
type liveFlags struct {
	on bool
	clusterFlags
}

func (f *liveFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "cluster", false, "read the cluster; files are then taken as if they were applied to it")
	f.clusterFlags.add(flags)
}

// errClusterFlags is the fault of a cluster that is chosen and not read.
var errClusterFlags = errors.New("--context and --kubeconfig choose a cluster: say --cluster as well")

// errNoSource is the fault of a command that reads files or a cluster.
var errNoSource = errors.New("name the files or folders to read, - for the standard input, or --cluster")

// loadSource reads files, a cluster, or a cluster as it would be with the objects of
// the files. Of a cluster a kind that may not be read is a fault where the answers
// depend on it, and else a note.
func (a *app) loadSource(ctx context.Context, f *modelFlags, paths []string) (loaded, error) {
	if err := f.flows.check(); err != nil {
		return loaded{}, err
	}
	switch {
	case !f.live.on && f.live.clusterFlags != (clusterFlags{}):
		return loaded{}, errClusterFlags
	case !f.live.on && len(paths) == 0:
		return loaded{}, errNoSource
	case !f.live.on:
		return a.loadOnce(ctx, paths, f.quiet)
	}
	out, err := a.loadConnections(ctx, f)
	if err != nil || len(paths) == 0 {
		return out, err
	}
	over, err := a.loadOnce(ctx, paths, f.quiet)
	if err != nil {
		return loaded{}, err
	}
	return applied(out, over), nil
}

// applied is a cluster after objects of files have been applied to it.
func applied(before, over loaded) loaded {
	replaced := map[inventory.Key]bool{}
	for i := range over.targets {
		replaced[over.targets[i].key] = true
	}
	out := loaded{live: true, faults: slices.Concat(before.faults, over.faults), doubts: over.doubts, twice: over.twice}
	out.targets = slices.DeleteFunc(slices.Clone(before.targets), func(t target) bool { return replaced[t.key] })
	out.targets = append(out.targets, over.targets...)
	objects := make([]inventory.Object, len(out.targets))
	for i := range out.targets {
		objects[i] = out.targets[i].object
	}
	out.inventory = inventory.New(objects...)
	return out
}

// connectionKinds are those that say who connects to whom, or decide about it.
// ConfigMaps are not among them: they are read where they are needed.
func connectionKinds() []inventory.Kind {
	out := slices.DeleteFunc(inventory.Readable(), func(k inventory.Kind) bool {
		return k.Group == rbacv1.GroupName || k.Group == "" && slices.Contains([]string{"ConfigMap", "ServiceAccount", "PodTemplate", "Endpoints"}, k.GroupKind.Kind)
	})
	add := func(group, version, kind, resource string, namespaced bool) {
		out = append(out, inventory.Kind{GroupKind: schema.GroupKind{Group: group, Kind: kind}, Version: version, Resource: resource, Namespaced: namespaced})
	}
	add("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors", true)
	add("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors", true)
	add("monitoring.coreos.com", "v1", "Prometheus", "prometheuses", true)
	add(intents.NetworkPlanKind.Group, v1alpha1.GroupVersion.Version, intents.NetworkPlanKind.Kind, "networkplans", true)
	for _, k := range endpoint.Kinds() {
		if _, known := inventory.KindOf(k.GroupKind); !known {
			out = append(out, k)
		}
	}
	add(intents.ClientIntentsKind.Group, "v2beta1", intents.ClientIntentsKind.Kind, "clientintents", true)
	// These are not read, and it is said how many there are.
	add(policyv1alpha2.GroupName, "v1alpha1", "AdminNetworkPolicy", "adminnetworkpolicies", false)
	add(policyv1alpha2.GroupName, "v1alpha1", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", false)
	add("crd.projectcalico.org", "v1", "NetworkPolicy", "networkpolicies", true)
	add("crd.projectcalico.org", "v1", "GlobalNetworkPolicy", "globalnetworkpolicies", false)
	add("crd.antrea.io", "v1beta1", "NetworkPolicy", "networkpolicies", true)
	add("crd.antrea.io", "v1beta1", "ClusterNetworkPolicy", "clusternetworkpolicies", false)
	return out
}

// decisive reports whether answers without a kind are wrong, and not just less.
func decisive(gk schema.GroupKind) bool {
	kind, known := inventory.KindOf(gk)
	if !known || ciliumKinds[gk] || gk == clusterPolicyKind {
		ofGateway := slices.ContainsFunc(endpoint.Kinds(), func(k inventory.Kind) bool { return k.GroupKind == gk })
		return strings.HasSuffix(gk.Kind, "Policy") && !ofGateway
	}
	switch gk.Kind {
	case "Service", "NetworkPolicy", "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob":
		return kind.BuiltIn
	}
	return false
}

// loadConnections reads of a cluster what says who connects to whom. Where a kind
// may not be listed in all namespaces it is in those that the user names.
func (a *app) loadConnections(ctx context.Context, f *modelFlags) (loaded, error) {
	config, name, err := f.live.connect()
	if err != nil {
		return loaded{}, err
	}
	client, err := cluster.NewClient(config)
	if err != nil {
		return loaded{}, err
	}
	read, err := a.listCluster(ctx, client, name, cluster.LoadOptions{Kinds: connectionKinds(), Connections: true})
	if err != nil {
		return loaded{}, err
	}
	objects := read.Objects
	unread := read.Unread()
	if narrow := forbidden(unread); len(narrow) > 0 && len(f.namespaces) > 0 {
		some, err := a.listCluster(ctx, client, name, cluster.LoadOptions{Kinds: narrow, Namespaces: f.namespaces, Connections: true})
		if err != nil {
			return loaded{}, err
		}
		objects = append(objects, some.Objects...)
		names := make([]string, len(narrow))
		for i, k := range narrow {
			names[i] = plural(k.GroupKind)
		}
		a.say("note: %s may be read only in %s: connections with other namespaces are not known", strings.Join(names, ", "), strings.Join(f.namespaces, ", "))
		unread = slices.DeleteFunc(unread, func(c cluster.Coverage) bool {
			return slices.ContainsFunc(narrow, func(k inventory.Kind) bool { return k.GroupKind == c.Kind })
		})
		unread = append(unread, some.Unread()...)
	}
	out := loaded{live: true}
	for _, c := range unread {
		if decisive(c.Kind) {
			out.faults = append(out.faults, report.Fault{Message: c.String()})
		} else {
			a.say("note: %s may not be read: what they say is not known", plural(c.Kind))
		}
	}
	texts, err := a.loadConfigMaps(ctx, client, name, f, objects)
	if err != nil {
		return loaded{}, err
	}
	objects = append(objects, texts...)
	out.targets, out.inventory = liveTargets(objects), inventory.New(objects...)
	return out, nil
}

// loadConfigMaps reads the ConfigMaps of the namespaces that are to be guarded:
// pods have addresses from them.
func (a *app) loadConfigMaps(ctx context.Context, client *cluster.Client, name string, f *modelFlags, objects []inventory.Object) ([]inventory.Object, error) {
	namespaces := f.namespaces
	if len(namespaces) == 0 {
		u, err := generator.Observe(inventory.New(objects...))
		if err != nil {
			return nil, fmt.Errorf("read the workloads: %w", err)
		}
		namespaces = slices.DeleteFunc(populated(u), func(n string) bool { return slices.Contains(systemNamespaces, n) })
	}
	kind, known := inventory.KindOf(schema.GroupKind{Kind: "ConfigMap"})
	if !known || len(namespaces) == 0 {
		return nil, nil
	}
	read, err := a.listCluster(ctx, client, name, cluster.LoadOptions{Kinds: []inventory.Kind{kind}, Namespaces: namespaces, Connections: true})
	if err != nil {
		return nil, err
	}
	for _, c := range read.Unread() {
		a.say("note: ConfigMaps of %s may not be read: addresses that stand in them are not found", c.Namespace)
	}
	return read.Objects, nil
}

// forbidden returns those of the kinds with namespaces that the caller may not list
// in all of them.
func forbidden(unread []cluster.Coverage) []inventory.Kind {
	var out []inventory.Kind
	for _, k := range connectionKinds() {
		if k.Namespaced && slices.ContainsFunc(unread, func(c cluster.Coverage) bool { return c.Kind == k.GroupKind && apierrors.IsForbidden(c.Err) }) {
			out = append(out, k)
		}
	}
	return out
}

// plural names the objects of a kind in a sentence.
func plural(gk schema.GroupKind) string {
	switch {
	case strings.HasSuffix(gk.Kind, "y") && !strings.HasSuffix(gk.Kind, "way"):
		return strings.TrimSuffix(gk.Kind, "y") + "ies"
	case strings.HasSuffix(gk.Kind, "s"):
		return gk.Kind + "es"
	}
	return gk.Kind + "s"
}
