// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/internal/convert"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/cluster"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// convertFlags are those of "convert".
type convertFlags struct {
	live        liveFlags
	namespace   string
	gateway     string
	certificate string
	options     convert.Options
	report      string
	to          string
	quiet       bool
}

// The forms of the report.
const (
	reportTable = "table"
	reportJSON  = "json"
	reportNone  = "none"
)

func (a *app) convertCommand() *cobra.Command {
	var f convertFlags
	controllers := controllerNames()
	cmd := &cobra.Command{
		Use:   "convert [PATH...]",
		Short: "Turn Ingresses of other controllers into Gateway API objects and policies",
		Long: "Read Ingresses (files, folders, kustomizations, - for the standard input, or --cluster) with the annotations of\n" +
			"ingress-nginx, NGINX Ingress Controller, Kong, Traefik, AWS, GKE or Azure, and write Gateways, routes and policies that\n" +
			"do the same. The report on the standard error has a line for every annotation: converted (and to which field),\n" +
			"equivalent (it holds without being asked for), not supported (and what to use instead), unknown, or ignored (another\n" +
			"controller's). Services in the input tell the ports that Ingresses name, IngressClasses whose Ingresses they are.\n\n" +
			"Nothing is opened: where something that keeps requests out cannot be converted, the routes of that Ingress have no\n" +
			"backend and answer 500, unless --allow-open is given.\n\n" +
			"Exit codes: 0 everything that keeps requests out was converted, 1 routes are closed or Ingresses were left out, 2 nothing\n" +
			"was written.",
		Example: a.examples("  gatehouse convert k8s/ > gateway.yaml\n" +
			"  gatehouse convert --cluster --class nginx --gateway edge/web > gateway.yaml\n" +
			"  kubectl get ingress,ingressclass,service -A -o yaml | gatehouse convert - --report json 2> report.json"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), &f, args) },
	}
	flags := cmd.Flags()
	f.live.add(flags)
	flags.StringVarP(&f.namespace, "namespace", "n", "", "convert only Ingresses of this namespace")
	flags.StringVar(&f.options.Controller, "controller", "", "who serves the Ingresses, whatever their class says: "+strings.Join(controllers, ", "))
	flags.StringVar(&f.options.Class, "class", "", "convert only Ingresses of this class")
	flags.StringVar(&f.options.GatewayClass, "gateway-class", "gatehouse", "GatewayClass of the Gateways")
	flags.StringVar(&f.gateway, "gateway", "", "`NAMESPACE/NAME` of one Gateway for everything; default: one for each namespace and class")
	flags.StringVar(&f.certificate, "certificate", "", "`NAMESPACE/NAME` of the Secret for TLS that names none, which was the controller's own")
	flags.BoolVar(&f.options.AllowOpen, "allow-open", false, "write routes that have lost what kept requests out")
	flags.StringVar(&f.report, "report", reportTable, "table, json or none")
	flags.StringVar(&f.to, "to", "", "`file` to write to, instead of the standard output")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "report only what was not converted")
	complete(cmd, "controller", fixed(controllers...))
	complete(cmd, "report", fixed(reportTable, reportJSON, reportNone))
	return cmd
}

func controllerNames() []string {
	known := convert.Controllers()
	out := make([]string, 0, len(known))
	for _, c := range known {
		out = append(out, c.Name)
	}
	return out
}

func (a *app) convert(ctx context.Context, f *convertFlags, paths []string) error {
	err := oneOf("--report", f.report, []string{reportTable, reportJSON, reportNone})
	if f.options.Controller != "" {
		err = errors.Join(err, oneOf("--controller", f.options.Controller, controllerNames()))
	}
	var wrong error
	if f.options.Gateway, wrong = nameOf("--gateway", f.gateway); wrong != nil {
		err = errors.Join(err, wrong)
	}
	if f.options.Certificate, wrong = nameOf("--certificate", f.certificate); wrong != nil {
		err = errors.Join(err, wrong)
	}
	if err != nil {
		return err
	}
	read, err := a.loadIngresses(ctx, f, paths)
	if err != nil {
		return err
	}
	if len(read.faults) > 0 {
		a.tell(read.faults)
		a.say("%s: nothing was written, since not everything could be read", a.name)
		return failure(ExitFault)
	}
	objects := ingressObjects(read, f.namespace)
	if len(objects.Ingresses) == 0 {
		return errors.New("there is nothing to convert: no Ingress among the objects")
	}
	result := convert.Convert(objects, f.options)
	if len(result.Objects) == 0 {
		if len(result.Lines) == 0 {
			return fmt.Errorf("nothing was written: no Ingress of class %q is among the objects", f.options.Class)
		}
		if err := a.reportConverted(f, result); err != nil {
			return err
		}
		a.say("%s: nothing was written: nothing that can be converted was found", a.name)
		return failure(ExitFault)
	}
	if err := a.writeConverted(f, result); err != nil {
		return err
	}
	if err := a.reportConverted(f, result); err != nil {
		return err
	}
	if len(result.Closed) > 0 && !f.options.AllowOpen {
		return failure(ExitFindings)
	}
	return nil
}

// nameOf reads NAMESPACE/NAME; nothing is none.
func nameOf(flag, text string) (convert.Name, error) {
	if text == "" {
		return convert.Name{}, nil
	}
	namespace, name, found := strings.Cut(text, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return convert.Name{}, fmt.Errorf("%s %q is not NAMESPACE/NAME", flag, text)
	}
	return convert.Name{Namespace: namespace, Name: name}, nil
}

// loadIngresses reads files, or what a conversion needs of a cluster.
func (a *app) loadIngresses(ctx context.Context, f *convertFlags, paths []string) (loaded, error) {
	switch {
	case !f.live.on && f.live.clusterFlags != (clusterFlags{}):
		return loaded{}, errClusterFlags
	case !f.live.on && len(paths) == 0:
		return loaded{}, errNoSource
	case !f.live.on:
		return a.loadOnce(ctx, paths, f.quiet)
	}
	config, name, err := f.live.connect()
	if err != nil {
		return loaded{}, err
	}
	client, err := cluster.NewClient(config)
	if err != nil {
		return loaded{}, err
	}
	list, err := a.listCluster(ctx, client, name, cluster.LoadOptions{Kinds: ingressKinds()})
	if err != nil {
		return loaded{}, err
	}
	out := loaded{inventory: inventory.New(list.Objects...), live: true, targets: liveTargets(list.Objects)}
	for _, c := range list.Unread() {
		out.faults = append(out.faults, report.Fault{Message: c.String()})
	}
	if len(paths) == 0 {
		return out, nil
	}
	over, err := a.loadOnce(ctx, paths, f.quiet)
	if err != nil {
		return loaded{}, err
	}
	return applied(out, over), nil
}

// ingressKinds are what a conversion reads of a cluster: no Secrets.
func ingressKinds() []inventory.Kind {
	out := slices.DeleteFunc(inventory.Readable(), func(k inventory.Kind) bool {
		return k.GroupKind != schema.GroupKind{Kind: "Service"} && (k.Group != networkingv1.GroupName || k.GroupKind.Kind == "NetworkPolicy")
	})
	for _, k := range convert.Others() {
		out = append(out, inventory.Kind{GroupKind: schema.GroupKind{Group: k.Group, Kind: k.Kind}, Version: k.Version, Resource: k.Resource, Namespaced: true})
	}
	return out
}

// ingressObjects sorts what was read.
func ingressObjects(read loaded, namespace string) *convert.Objects {
	out := &convert.Objects{}
	for i := range read.targets {
		switch o := read.targets[i].object.(type) {
		case *networkingv1.Ingress:
			if namespace == "" || o.Namespace == namespace {
				out.Ingresses = append(out.Ingresses, o)
			}
		case *networkingv1.IngressClass:
			out.Classes = append(out.Classes, o)
		case *corev1.Service:
			out.Services = append(out.Services, o)
		case *corev1.ConfigMap:
			out.ConfigMaps = append(out.ConfigMaps, o)
		case *unstructured.Unstructured:
			out.Others = append(out.Others, o)
		}
	}
	return out
}

func (a *app) writeConverted(f *convertFlags, r *convert.Result) error {
	objects := make([]metav1.Object, 0, len(r.Objects))
	for _, o := range r.Objects {
		objects = append(objects, o)
	}
	text, err := stream(objects)
	if err != nil {
		return err
	}
	if f.to == "" {
		_, err = a.Out.Write(text)
		return err
	}
	if isFolder(f.to) {
		return fmt.Errorf("--to %s is a folder", f.to)
	}
	return putFile(f.to, text)
}
