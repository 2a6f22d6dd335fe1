// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// registrationName is the name of both webhook configurations. A test compares
// it with that of the registration, which the command line does not link.
const registrationName = "gatehouse"

// restOfUninstall removes everything else once no webhook is registered: all of it
// carries the label.
const restOfUninstall = "kubectl delete namespace,clusterrole,clusterrolebinding,customresourcedefinition,validatingadmissionpolicy,validatingadmissionpolicybinding --selector app.kubernetes.io/part-of=gatehouse"

// What carries which label: a test compares these with the manifests and with what
// the controller writes.
const (
	partOf            = "app.kubernetes.io/part-of=gatehouse"
	ofController      = partOf + ",app.kubernetes.io/name=gatehouse-controller"
	ofBackstop        = partOf + ",app.kubernetes.io/component=backstop"
	writtenByScan     = "app.kubernetes.io/managed-by=gatehouse-controller"
	canaryOfManifests = "gatehouse-canary"
)

const (
	// controllerEnds is how long the controller may take to end: its pods have half
	// of it by default.
	controllerEnds = time.Minute

	// page is how many objects one request lists.
	page = 500
)

var (
	// backstops are in the order in which they are deleted: a policy without a binding
	// judges nothing.
	backstops = []schema.GroupVersionResource{
		{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicybindings"},
		{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"},
	}
	registrations = []schema.GroupVersionResource{
		{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"},
		{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"},
	}
	reports = []schema.GroupVersionResource{
		{Group: "openreports.io", Version: "v1alpha1", Resource: "reports"},
		{Group: "openreports.io", Version: "v1alpha1", Resource: "clusterreports"},
	}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

func (a *app) uninstallCommand() *cobra.Command {
	var f clusterFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take Gatehouse out of a cluster",
		Long: "Delete the policies of the backstop and both webhook configurations, so that no request depends on Gatehouse any more, then\n" +
			"the controller, the reports that it wrote and the namespace of its canary, and say what deletes the rest. The order matters: a\n" +
			"webhook that is registered but gone refuses writes in enforced namespaces, and a controller that runs writes its reports again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.uninstall(cmd.Context(), f, dryRun) },
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "ask the API server only; delete nothing")
	return cmd
}

func (a *app) uninstall(ctx context.Context, f clusterFlags, dryRun bool) error {
	config, name, err := f.connect()
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("uninstall from %s: %w", name, err)
	}
	r := remover{app: a, client: client, cluster: name, done: "deleted"}
	if dryRun {
		r.options.DryRun, r.done = []string{metav1.DryRunAll}, "would be deleted"
	}
	// Who may not delete the one is still rid of the other.
	if err := errors.Join(r.backstop(ctx), r.registrations(ctx)); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{r.controller, r.reports, r.canary} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	then := "No request depends on Gatehouse now. This removes the rest:"
	if dryRun {
		then = "Nothing was deleted. After an uninstall, this removes the rest:"
	}
	_, err = fmt.Fprintf(a.Out, "\n%s\n\n  %s\n", then, restOfUninstall)
	return err
}

// remover deletes from one cluster, or asks whether it could.
type remover struct {
	*app
	client  dynamic.Interface
	cluster string
	options metav1.DeleteOptions
	done    string // what is said of what was deleted
}

func (r *remover) say(what, outcome string) error {
	return line(r.Out, "%s of cluster %s: %s", what, r.cluster, outcome)
}

// remove deletes one object and returns what is to be said of it.
func (r *remover) remove(ctx context.Context, gvr schema.GroupVersionResource, namespace, name string, o metav1.DeleteOptions) (string, error) {
	err := r.client.Resource(gvr).Namespace(namespace).Delete(ctx, name, o)
	switch {
	case apierrors.IsNotFound(err):
		return "not there", nil
	case err != nil:
		return "", fmt.Errorf("delete %s %s of cluster %s: %w", gvr.Resource, strings.TrimPrefix(namespace+"/"+name, "/"), r.cluster, err)
	}
	return r.done, nil
}

// backstop deletes the policies that the API server enforces without the webhook.
func (r *remover) backstop(ctx context.Context) error {
	for _, gvr := range backstops {
		if err := r.all(ctx, gvr, ofBackstop, gvr.Resource+" of the backstop"); err != nil {
			return err
		}
	}
	return nil
}

func (r *remover) registrations(ctx context.Context) error {
	for _, gvr := range registrations {
		outcome, err := r.remove(ctx, gvr, "", registrationName, r.options)
		if err != nil {
			return err
		}
		if err := r.say(strings.TrimSuffix(gvr.Resource, "s")+" "+registrationName, outcome); err != nil {
			return err
		}
	}
	return nil
}

// controller deletes the controller, wherever it is, and waits until it has ended.
func (r *remover) controller(ctx context.Context) error {
	list, err := r.client.Resource(deployments).List(ctx, metav1.ListOptions{LabelSelector: ofController})
	if err != nil {
		return fmt.Errorf("list deployments of cluster %s: %w", r.cluster, err)
	}
	if len(list.Items) == 0 {
		return r.say("deployment gatehouse-controller", "not there")
	}
	options := r.options
	options.PropagationPolicy = new(metav1.DeletePropagationForeground) // it is gone after its pods
	for i := range list.Items {
		d := &list.Items[i]
		outcome, err := r.remove(ctx, deployments, d.GetNamespace(), d.GetName(), options)
		if err != nil {
			return err
		}
		if len(options.DryRun) == 0 && !r.gone(ctx, d.GetNamespace(), d.GetName()) {
			outcome += ", and still ending: repeat this command for what it writes meanwhile"
		}
		if err := r.say("deployment "+d.GetNamespace()+"/"+d.GetName(), outcome); err != nil {
			return err
		}
	}
	return nil
}

// gone waits for the end of a Deployment, and reports false when it does not come.
func (r *remover) gone(ctx context.Context, namespace, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, controllerEnds)
	defer cancel()
	tick := time.NewTicker(time.Second / 2)
	defer tick.Stop()
	for {
		if _, err := r.client.Resource(deployments).Namespace(namespace).Get(ctx, name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// reports deletes what the scan wrote, in every namespace.
func (r *remover) reports(ctx context.Context) error {
	for _, gvr := range reports {
		if err := r.all(ctx, gvr, writtenByScan, gvr.Resource+" of gatehouse-controller"); err != nil {
			return err
		}
	}
	return nil
}

// all deletes every object of a kind that a selector selects, and says how many.
func (r *remover) all(ctx context.Context, gvr schema.GroupVersionResource, selector, what string) error {
	n, token := 0, ""
	for {
		list, err := r.client.Resource(gvr).List(ctx, metav1.ListOptions{LabelSelector: selector, Limit: page, Continue: token})
		if apierrors.IsNotFound(err) {
			break // the API is not installed
		}
		if err != nil {
			return fmt.Errorf("list %s of cluster %s: %w", gvr.Resource, r.cluster, err)
		}
		for i := range list.Items {
			if _, err := r.remove(ctx, gvr, list.Items[i].GetNamespace(), list.Items[i].GetName(), r.options); err != nil {
				return err
			}
			n++
		}
		if token = list.GetContinue(); token == "" {
			break
		}
	}
	outcome := "not there"
	if n > 0 {
		outcome = fmt.Sprintf("%d %s", n, r.done)
	}
	return r.say(what, outcome)
}

// canary deletes the namespace of the canary that the manifests bring. One of that
// name that somebody else made is left.
func (r *remover) canary(ctx context.Context) error {
	byName := metav1.ListOptions{LabelSelector: partOf, FieldSelector: "metadata.name=" + canaryOfManifests}
	list, err := r.client.Resource(namespaces).List(ctx, byName)
	if err != nil {
		return fmt.Errorf("list namespaces of cluster %s: %w", r.cluster, err)
	}
	outcome := "not there"
	for range list.Items {
		if outcome, err = r.remove(ctx, namespaces, "", canaryOfManifests, r.options); err != nil {
			return err
		}
	}
	return r.say("namespace "+canaryOfManifests, outcome)
}
