// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// worldFlags say what is read to tell what is exposed.
type worldFlags struct {
	judge       judgeFlags
	cluster     clusterFlags
	environment environmentFlags
	enforcer    string
	cilium      ciliumFlags
	secrets     []string
	readSecrets bool
}

func (f *worldFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.cluster.add(flags)
	f.environment.add(flags)
	flags.StringVar(&f.enforcer, "enforcer", enforcer.Names()[0], "who enforces NetworkPolicies")
	f.cilium.add(flags)
	flags.StringSliceVar(&f.secrets, "secrets", nil, "files or folders with the Secrets of certificates: nothing of them is printed but names and ends of certificates")
	flags.BoolVar(&f.readSecrets, "read-secrets", false, "read the Secrets that listeners of a cluster name, each by its name, to tell when certificates end")
	flags.StringVar(&f.judge.profile, "profile", "", "profile to judge by: baseline (default) or strict")
	flags.StringVar(&f.judge.policy, "policy", "", "`file` with a CheckPolicy")
	flags.BoolVarP(&f.judge.quiet, "quiet", "q", false, "leave out the notes")
	complete(cmd, "enforcer", fixed(enforcer.Names()...))
	complete(cmd, "profile", fixed("baseline", "strict"))
	complete(cmd, "cilium", fixed(ciliumWords...))
}

// world is what was read, made ready. The faults are of what could not be read.
type world struct {
	*endpoint.World
	faults []report.Fault
}

// world reads files, or without any the cluster.
func (a *app) world(ctx context.Context, f *worldFlags, paths []string) (*world, error) {
	if len(paths) > 0 && f.cluster != (clusterFlags{}) {
		return nil, errors.New("--context and --kubeconfig choose a cluster, and there are paths: name the one or the other")
	}
	if len(paths) > 0 && f.readSecrets {
		return nil, errors.New("--read-secrets reads the Secrets of a cluster: --secrets names files")
	}
	f.judge.later = len(paths) == 0 && f.judge.policy == ""
	r, err := f.judge.rules(a)
	if err != nil {
		return nil, err
	}
	in := endpoint.Input{Now: a.Now()}
	if in.Secrets, err = secretObjects(f.secrets); err != nil {
		return nil, err
	}
	read, config, err := a.readWorld(ctx, f, &r, paths)
	if err != nil {
		return nil, err
	}
	in.Unread = unreadSecret(read.live)
	in.Inventory, in.Parameters, in.AllClasses = read.inventory, r.policy.Parameters, read.classes
	if err := a.reachability(f, read, &in); err != nil {
		return nil, err
	}
	if in.Findings, err = a.findingsOf(&r, read); err != nil {
		return nil, err
	}
	made, err := endpoint.New(in)
	if err == nil && f.readSecrets {
		if err = readWanted(ctx, config, made, &in); err == nil {
			made, err = endpoint.New(in)
		}
	}
	if err != nil {
		return nil, err
	}
	return &world{made, read.faults}, nil
}

// unreadSecret says why the content of a Secret is not known.
func unreadSecret(live bool) func(translate.Name, bool) string {
	return func(_ translate.Name, present bool) string {
		switch {
		case live:
			return "no Secret of a cluster is read without --read-secrets"
		case present:
			return "the content of Secrets is read by --secrets only"
		}
		return "the Secret is not among the objects; --secrets reads it"
	}
}

// readWorld reads the objects, and the policy by which they are judged.
func (a *app) readWorld(ctx context.Context, f *worldFlags, r *rules, paths []string) (loaded, *rest.Config, error) {
	if len(paths) > 0 {
		read, err := a.loadFiles(ctx, paths, f.judge.quiet)
		if err != nil {
			return read, nil, err
		}
		read.inventory, _, _ = withShipped(read.inventory)
		return read, nil, nil
	}
	config, name, err := f.cluster.connect()
	if err != nil {
		if f.cluster == (clusterFlags{}) {
			err = fmt.Errorf("%w; without them the cluster is read: %w", errNoPaths, err)
		}
		return loaded{}, nil, err
	}
	if !r.ownPolicy {
		if r.policy, err = a.clusterPolicy(ctx, config); err != nil {
			return loaded{}, nil, err
		}
	}
	client, err := cluster.NewClient(config)
	if err != nil {
		return loaded{}, nil, err
	}
	kinds := inventory.Readable()
	for _, k := range connectionKinds() {
		if _, known := inventory.KindOf(k.GroupKind); !known {
			kinds = append(kinds, k)
		}
	}
	snapshot, err := a.listCluster(ctx, client, name, cluster.LoadOptions{Kinds: kinds})
	if err != nil {
		return loaded{}, nil, err
	}
	out := loaded{inventory: inventory.New(snapshot.Objects...), live: true, classes: true, targets: liveTargets(snapshot.Objects)}
	for _, c := range snapshot.Unread() {
		if c.Kind == inventory.GatewayClassKind || c.Kind == inventory.IngressClassKind {
			out.classes = false // one that was not read is not known to be missing
		}
		out.faults = append(out.faults, report.Fault{Message: c.String()})
	}
	return out, config, nil
}

// reachability says what the policies of the network allow. That they cannot be read is
// a fault of the whole; that they cannot be judged is told at each workload.
func (a *app) reachability(f *worldFlags, read loaded, in *endpoint.Input) error {
	profile, err := enforcer.Find(f.enforcer)
	if err != nil {
		return fmt.Errorf("--%w", err)
	}
	universe, err := generator.Observe(read.inventory)
	if err != nil {
		return fmt.Errorf("read the workloads: %w", err)
	}
	environment := generator.Discover(read.inventory)
	if _, err := f.environment.apply(&environment); err != nil {
		return err
	}
	if environment.Gateway.Empty() {
		environment.Gateway = endpoint.Installed(in.Parameters)
	}
	in.Model, _ = generator.Build(generator.Input{Inventory: read.inventory, Universe: universe, Environment: environment, Now: in.Now})
	set, err := a.policiesOf(read, in.Model, &f.cilium)
	if err != nil {
		return err
	}
	if len(set.policies) == 0 {
		return nil
	}
	if in.Policies, err = verify.Compile(set.policies, in.Model, profile.Verify()); err != nil {
		in.PoliciesFault = sayRanges(err).Error()
	}
	return nil
}

// findingsOf judges every object as check does, and returns the findings by object.
func (a *app) findingsOf(r *rules, read loaded) (func(inventory.Key) []endpoint.Finding, error) {
	j := judging{app: a, rules: *r, loaded: &read, quiet: true}
	if err := j.empty(); err != nil {
		return nil, err
	}
	found := map[inventory.Key][]endpoint.Finding{}
	for _, one := range j.all() {
		for i := range one.verdict {
			v := &one.verdict[i]
			found[one.key] = append(found[one.key], endpoint.Finding{
				Check: v.Check, Severity: v.Severity.String(), Action: v.Action.String(), Certainty: v.Certainty.String(), Object: one.at.Object.String(), Message: v.Message, Path: v.Path,
			})
		}
	}
	return func(k inventory.Key) []endpoint.Finding { return found[k] }, nil
}

// secretObjects reads Secrets of files as objects.
func secretObjects(paths []string) ([]*corev1.Secret, error) {
	list, err := readSecrets(paths)
	if err != nil {
		return nil, err
	}
	out := make([]*corev1.Secret, 0, len(list))
	for _, s := range list {
		o := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name}, Type: s.Type, Data: map[string][]byte{}}
		for key, value := range s.Data {
			o.Data[key] = []byte(value)
		}
		out = append(out, o)
	}
	return out, nil
}

// readWanted reads the Secrets that the gateway would read, each by its name. Those that
// cannot be read stay unknown, and why is said.
func readWanted(ctx context.Context, config *rest.Config, w *endpoint.World, in *endpoint.Input) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("read Secrets: %w", err)
	}
	in.Secrets, in.Missing = slices.Clone(in.Secrets), map[translate.Name]bool{}
	faults := map[translate.Name]string{}
	for _, name := range w.Wanted() {
		read, err := client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
		s := &corev1.Secret{}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsNotFound(err):
			in.Missing[name] = true
		case err != nil:
			faults[name] = err.Error()
		case runtime.DefaultUnstructuredConverter.FromUnstructured(read.Object, s) != nil:
			faults[name] = "what the API server says is no Secret" // the converter's words may quote it
		default:
			in.Secrets = append(in.Secrets, s)
		}
	}
	in.Unread = func(name translate.Name, _ bool) string { return cmp.Or(faults[name], "the Secret was not read") }
	return nil
}
