// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
)

// ofCluster is the value of --exemptions that names those of the cluster. A file
// of that name is ./cluster.
const ofCluster = "cluster"

// installNamespace is where Gatehouse is when no registration says so.
const installNamespace = "gatehouse-system"

var errClusterOnly = errors.New("--exemptions cluster reads a cluster: name a file, or judge with --live")

func readExemptions(path string, set *checks.Set) (*exempt.Set, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return nil, fmt.Errorf("read exemptions: %w", err)
	}
	out, err := exempt.Parse(data, set, exempt.Place{Install: installNamespace})
	if err != nil {
		return nil, fmt.Errorf("read exemptions: %w", inFile(path, err))
	}
	return out, nil
}

// inFile puts "file:line: " before each fault of a file.
func inFile(path string, err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && !isFault(err) {
		list := joined.Unwrap()
		out := make([]error, len(list))
		for i, e := range list {
			out[i] = inFile(path, e)
		}
		return errors.Join(out...)
	}
	var f *exempt.FaultError
	if errors.As(err, &f) && f.Line > 0 {
		return fmt.Errorf("%s:%d: %w", path, f.Line, f.Err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func isFault(err error) bool {
	_, is := err.(*exempt.FaultError) //nolint:errorlint // the outermost error is meant
	return is
}

// clusterExemptions returns the exemptions that count in a cluster; none where
// their definition is not installed. When they were not asked for by name, not
// being allowed to read them is no fault: without them more is found, not less.
func (a *app) clusterExemptions(ctx context.Context, config *rest.Config, wanted bool) (*exempt.Set, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's Exemptions: %w", err)
	}
	found, err := client.Resource(v1alpha1.GroupVersion.WithResource("exemptions")).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return &exempt.Set{}, nil
	case apierrors.IsForbidden(err) && !wanted:
		a.say("warning: none of the cluster's Exemptions counts here, because they cannot be read: %v", err)
		return &exempt.Set{}, nil
	case err != nil:
		return nil, fmt.Errorf("read the cluster's Exemptions: %w", err)
	}
	list := make([]v1alpha1.Exemption, len(found.Items))
	for i := range found.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Items[i].Object, &list[i]); err != nil {
			return nil, fmt.Errorf("read exemption %s/%s: %w", found.Items[i].GetNamespace(), found.Items[i].GetName(), err)
		}
	}
	place, err := a.guarding(ctx, client)
	if err != nil {
		return nil, err
	}
	return exempt.Load(a.set, list, place), nil
}

// guarding asks the registration where Gatehouse is and whether it guards.
func (a *app) guarding(ctx context.Context, client dynamic.Interface) (exempt.Place, error) {
	found, err := client.Resource(registrations[0]).Get(ctx, registrationName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return exempt.Guarding(nil, installNamespace), nil
	case apierrors.IsForbidden(err):
		a.say("warning: no Exemption outside of %s counts here, because the registration of the webhook cannot be read: %v", installNamespace, err)
		return exempt.Guarding(nil, installNamespace), nil
	case err != nil:
		return exempt.Place{}, fmt.Errorf("read the registration of the webhook: %w", err)
	}
	var registration admissionregistrationv1.ValidatingWebhookConfiguration
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &registration); err != nil {
		return exempt.Place{}, fmt.Errorf("read the registration of the webhook: %w", err)
	}
	return exempt.Guarding(&registration, installNamespace), nil
}

// idle tells which exemptions have no effect, and which will soon have none.
func (j *judging) idle() {
	now, terms := j.app.Now(), verdict.TermsOf(j.rules.policy)
	warn := func(format string, args ...any) {
		if !j.quiet {
			j.app.say("warning: %s", checks.Plain(fmt.Sprintf(format, args...)))
		}
	}
	for _, f := range j.rules.exemptions.Faulty() {
		warn("exemption %s/%s covers nothing: %v", f.Namespace, f.Name, f.Err)
	}
	for _, l := range exempt.Leftovers(j.rules.exemptions, j.used, terms, now) {
		if l.Why == exempt.Unused {
			j.note("exemption %s %s", checks.Plain(l.Exemption.String()), l.Text(terms))
			continue
		}
		warn("exemption %s of %s %s", l.Exemption.String(), l.Exemption.Owner, l.Text(terms))
	}
	for _, n := range exempt.Notices(j.rules.exemptions, time.Time{}, now) {
		if n.Stage != exempt.Expired {
			e := n.Exemption
			warn("exemption %s of %s expires in %s, at %s", e.String(), e.Owner, exempt.Span(e.ExpiresAt.Sub(now)), exempt.Moment(e.ExpiresAt))
		}
	}
}
