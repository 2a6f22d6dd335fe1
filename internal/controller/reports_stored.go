// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const (
	applyPatch           = types.ApplyPatchType
	namespaceTerminating = corev1.NamespaceTerminatingCause

	// reportPage is how many reports one request lists: at most 256 KiB each.
	reportPage = 50
)

var (
	reportKind        = schema.GroupVersionKind{Group: openreports.Group, Version: openreports.Version, Kind: openreports.ReportKind}
	clusterReportKind = schema.GroupVersionKind{Group: openreports.Group, Version: openreports.Version, Kind: openreports.ClusterReportKind}
)

// reportObject is a report as a client addresses it.
func reportObject(namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(reportKind)
	if namespace == "" {
		o.SetGroupVersionKind(clusterReportKind)
	}
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// namespaceMissing reports whether an object could not be written because its
// namespace is gone: that is a "not found" about the namespace, not about the API.
func namespaceMissing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsNotFound(err) {
		return false
	}
	d := status.Status().Details
	return d != nil && d.Kind == "namespaces"
}

// seen is a check that an object was reported to break.
type seen struct {
	object inventory.Key
	check  string
}

// Known waits until the stored reports have been read, or the API was found
// missing, and reports whether they already told of a result before this process
// wrote any. It returns false when ctx ends.
func (w *Reports) Known(ctx context.Context, r background.Result) bool {
	select {
	case <-ctx.Done():
		return false
	case <-w.loaded:
		return w.known[seen{r.Object, r.Check}]
	}
}

// load reads our reports and queues every namespace.
func (w *Reports) load(ctx context.Context) error {
	known := map[seen]bool{}
	w.stored, w.missing, w.total = map[string]map[string]digest{}, map[string]int{}, 0
	w.shards, w.counts = map[string]int{}, map[string]int{}
	for _, kind := range []schema.GroupVersionKind{reportKind, clusterReportKind} {
		token := ""
		for {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
			if err := w.Reader.List(ctx, list, client.MatchingLabels(background.ManagedBy()), client.Limit(reportPage), client.Continue(token)); err != nil {
				return fmt.Errorf("list %s: %w", kind.Kind, err)
			}
			for i := range list.Items {
				if list.Items[i].GetName() == CreepReport {
					continue // it has another owner
				}
				if err := w.loadOne(&list.Items[i], known); err != nil {
					return err
				}
			}
			if token = list.GetContinue(); token == "" {
				break
			}
		}
	}
	select {
	case <-w.loaded: // known is read by others from then on
	default:
		w.known = known
	}
	w.requeue()
	return nil
}

// loadOne takes a stored report over. Read into our form and written again, one
// that says what we would say has the digest of what we would write.
func (w *Reports) loadOne(o *unstructured.Unstructured, known map[seen]bool) error {
	raw, err := json.Marshal(o.Object)
	if err != nil {
		return fmt.Errorf("read report %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	var r openreports.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("read report %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	if raw, err = json.Marshal(&r); err != nil {
		return fmt.Errorf("encode report %s/%s: %w", o.GetNamespace(), o.GetName(), err)
	}
	w.keep(o.GetNamespace(), o.GetName(), sha256.Sum256(raw))
	w.shards[o.GetNamespace()] = max(w.shards[o.GetNamespace()], background.Shards([]openreports.Report{r}))
	w.counts[o.GetNamespace()] += len(r.Results)
	w.total += len(r.Results)
	for _, one := range r.Results {
		for _, at := range one.Resources {
			k := inventory.Key{Namespace: at.Namespace, Name: at.Name}
			k.Kind.Kind = at.Kind
			if gv, err := schema.ParseGroupVersion(at.APIVersion); err == nil {
				k.Kind.Group = gv.Group
			}
			known[seen{k, one.Policy}] = true
		}
	}
	return nil
}

// Installed reports whether an inventory holds the definitions of the
// OpenReports API.
func Installed(inv *inventory.Inventory) bool {
	for _, name := range []string{openreports.ReportDefinition, openreports.ClusterReportDefinition} {
		k := inventory.Key{Kind: schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}, Name: name}
		if inv.Entry(k) == nil {
			return false
		}
	}
	return true
}
