// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// CreepReport names the ClusterReport of gained permissions. It is no part of the
// reports of findings, and its source is another.
const (
	CreepReport = "gatehouse-rbac-changes"
	creepSource = "gatehouse-rbac"
)

// The bounds of the report. A result says who gained what in at most 1 KiB.
const (
	creepKept    = 7 * 24 * time.Hour // how long a gain is told
	creepResults = 250
	creepText    = 500 // bytes of a message
	creepPowers  = 200 // bytes of the ids of powers
)

// The keys of a result's properties.
const (
	sinceProperty  = "since"  // when the earlier snapshot was taken, by RFC 3339
	untilProperty  = "until"  // when the gain was found
	powersProperty = "powers" // the ids of the dangerous permissions in it
)

// gainsOf picks the changes by which somebody can do more, the most severe first
// among each sort.
func gainsOf(changes []snapshot.Change) []snapshot.Change {
	var out []snapshot.Change
	for severity := checks.Critical; ; severity-- {
		for i := range changes {
			if changes[i].Sort.Gains() && changes[i].Severity == severity {
				out = append(out, changes[i])
			}
		}
		if severity == checks.SeverityUnset {
			return out
		}
	}
}

// report adds gains to those of the last days.
func (c *Creep) report(ctx context.Context, gains []snapshot.Change, since, until time.Time) error {
	told, err := c.told(ctx)
	if err != nil {
		return err
	}
	r := creepReport(gains, told, since, until)
	if len(r.Results) == 0 {
		if err := c.Client.Delete(ctx, reportObject("", CreepReport)); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete report %s: %w", CreepReport, err)
		}
		return nil
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode report %s: %w", CreepReport, err)
	}
	if err := c.Client.Patch(ctx, reportObject("", CreepReport), client.RawPatch(applyPatch, raw), client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("apply report %s: %w", CreepReport, err)
	}
	return nil
}

// told reads the results of the stored report. It lists by name, which the
// controller may do already.
func (c *Creep) told(ctx context.Context) ([]openreports.Result, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(clusterReportKind.GroupVersion().WithKind(clusterReportKind.Kind + "List"))
	byName := client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", CreepReport)}
	if err := c.Reader.List(ctx, list, byName); err != nil {
		return nil, fmt.Errorf("read report %s: %w", CreepReport, err)
	}
	var r openreports.Report
	for i := range list.Items {
		raw, err := json.Marshal(list.Items[i].Object)
		if err != nil {
			return nil, fmt.Errorf("read report %s: %w", CreepReport, err)
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("read report %s: %w", CreepReport, err)
		}
	}
	return r.Results, nil
}

// creepReport builds the report of new gains and of those told before, as far as
// these are not too old. When there are too many the oldest and least severe are
// left out, and the last result says how many.
func creepReport(gains []snapshot.Change, told []openreports.Result, since, until time.Time) *openreports.Report {
	r := &openreports.Report{
		APIVersion: openreports.Group + "/" + openreports.Version, Kind: openreports.ClusterReportKind,
		Metadata: openreports.Metadata{Name: CreepReport, Labels: background.ManagedBy()}, Source: creepSource, Results: []openreports.Result{},
	}
	for i := range gains {
		r.Results = append(r.Results, gainResult(&gains[i], since, until))
	}
	left := 0
	for _, o := range told {
		at, err := time.Parse(time.RFC3339, o.Properties[untilProperty])
		switch n, cut := o.Properties[background.TruncatedProperty]; {
		case err != nil || until.Sub(at) >= creepKept:
		case cut:
			if more, err := strconv.Atoi(n); err == nil {
				left += more
			}
		default:
			r.Results = append(r.Results, o)
		}
	}
	if over := len(r.Results) - creepResults; over > 0 {
		left += over
		r.Results = r.Results[:creepResults]
	}
	r.Summary.Warn = len(r.Results)
	if left > 0 {
		r.Results = append(r.Results, openreports.Result{
			Policy: creepSource, Result: openreports.Skip, Message: fmt.Sprintf("%d more gains are not listed", left),
			Properties: map[string]string{untilProperty: until.UTC().Format(time.RFC3339), background.TruncatedProperty: strconv.Itoa(left)},
		})
		r.Summary.Skip = 1
	}
	return r
}

func gainResult(g *snapshot.Change, since, until time.Time) openreports.Result {
	r := openreports.Result{
		Policy: creepSource, Rule: g.Sort.String(), Severity: max(g.Severity, checks.Info).String(), Result: openreports.Warn,
		Message:   background.Short(checks.Plain(g.String()), creepText),
		Resources: []openreports.Reference{referenceTo(gainNotice(g).Object)},
		Properties: map[string]string{
			sinceProperty: since.UTC().Format(time.RFC3339), untilProperty: until.UTC().Format(time.RFC3339),
		},
	}
	ids := make([]string, 0, len(g.Powers))
	for i := range g.Powers {
		ids = append(ids, g.Powers[i].Power.ID)
	}
	if len(ids) > 0 {
		r.Properties[powersProperty] = background.Short(strings.Join(ids, ", "), creepPowers)
	}
	return r
}

func referenceTo(k inventory.Key) openreports.Reference {
	out := openreports.Reference{Kind: k.Kind.Kind, Namespace: k.Namespace, Name: k.Name}
	if kind, known := inventory.KindOf(k.Kind); known {
		out.APIVersion = kind.GVK().GroupVersion().String()
	}
	return out
}
