// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"strings"

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
const restOfUninstall = "kubectl delete namespace,clusterrole,clusterrolebinding,customresourcedefinition --selector app.kubernetes.io/part-of=gatehouse"

var registrations = []schema.GroupVersionResource{
	{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"},
	{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"},
}

func (a *app) uninstallCommand() *cobra.Command {
	var f clusterFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take the webhooks out of a cluster",
		Long: "Delete both webhook configurations, so that no request depends on Gatehouse any more, and say what\n" +
			"deletes the rest. The order matters: a webhook that is registered but gone refuses writes in enforced namespaces.",
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
	options, done := metav1.DeleteOptions{}, "deleted"
	if dryRun {
		options.DryRun, done = []string{metav1.DryRunAll}, "would be deleted"
	}
	for _, gvr := range registrations {
		outcome := done
		err := client.Resource(gvr).Delete(ctx, registrationName, options)
		switch {
		case apierrors.IsNotFound(err):
			outcome = "not there"
		case err != nil:
			return fmt.Errorf("delete %s %s of cluster %s: %w", gvr.Resource, registrationName, name, err)
		}
		if _, err := fmt.Fprintf(a.Out, "%s %s of cluster %s: %s\n", strings.TrimSuffix(gvr.Resource, "s"), registrationName, name, outcome); err != nil {
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
