// SPDX-License-Identifier: Apache-2.0

package background

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The bounds of reports. etcd takes objects of 1.5 MiB and keeps every version
// of them for a while; a failing object may cost 1 KiB.
const (
	maxResults = 500       // of one report
	maxBytes   = 256 << 10 // of the results of one report
	maxShards  = 64        // of one namespace
	maxObject  = 1000      // bytes for one object; its first result is always written
	overhead   = 700       // bytes of a report besides its results, which its objects share
	maxWords   = 200       // bytes of a message or a path
	maxOthers  = 160       // bytes of the ids of checks that did not fit
)

// The keys of a result's properties.
const (
	ActionProperty    = "action"    // what admission does about it: deny, warn, audit
	SubjectProperty   = "subject"   // the fault's identity inside the object
	PathProperty      = "path"      // the chain an attacker would follow
	CountProperty     = "count"     // how many findings of the check the object has
	OthersProperty    = "others"    // further checks that the object breaks
	ExemptionProperty = "exemption" // what covers the finding
	TruncatedProperty = "truncated" // how many results the reports of a namespace leave out
)

// Source names Gatehouse in a report.
const Source = "gatehouse"

// ManagedBy are the labels by which our reports are found again.
func ManagedBy() map[string]string {
	return map[string]string{"app.kubernetes.io/managed-by": "gatehouse-controller"}
}

// Reports turns the results of a namespace ("": cluster-scoped objects) into as
// few reports as their bounds allow: one result for each check that an object
// breaks, all results of an object in one report, chosen by a hash of its
// identity so that a change of one object changes one report. At most limit
// results are written, the most severe first, and the last one says how many are
// missing. Without results there is no report.
//
// Shards is into how many reports the namespace is divided now; a number that
// still serves is kept, so that a namespace at a bound does not move its results
// back and forth. 0 means not yet.
func Reports(namespace string, results []Result, shards, limit int) []openreports.Report {
	list, cut := truncate(perObject(results), limit)
	if len(list) == 0 && cut == 0 {
		return nil
	}
	least := divide(list, 1)
	if shards < least || shards > 4*least {
		shards = least
	}
	return build(namespace, list, shards, cut)
}

// Shards is the number for Reports that a set of reports was made with.
func Shards(reports []openreports.Report) int {
	if len(reports) == 0 {
		return 0
	}
	return shardOf(reports[0].Metadata.Labels)
}

// shardsLabel says into how many reports a namespace is divided.
const shardsLabel = "gatehouse.sh/shards"

func shardOf(labels map[string]string) int {
	n, err := strconv.Atoi(labels[shardsLabel])
	if err != nil || n < 1 || n > maxShards {
		return 0
	}
	return n
}

// told is what is reported of one object.
type told struct {
	object  inventory.Key
	worst   checks.Severity
	results []openreports.Result
	bytes   int
}

// perObject makes the results of each object. The input is ordered by object.
func perObject(results []Result) []told {
	var objects [][]Result
	for len(results) > 0 {
		n := 1
		for n < len(results) && results[n].Object == results[0].Object {
			n++
		}
		objects = append(objects, results[:n])
		results = results[n:]
	}
	room := maxObject
	if n := len(objects); n > 0 && n < maxResults/10 { // with more it is the same for every number of objects
		room -= overhead / n
	}
	out := make([]told, 0, len(objects))
	for _, list := range objects {
		out = append(out, tell(list, room))
	}
	return out
}

// tell makes the results of one object: one for each check, the most severe
// first, until the room is spent. The ids of the others stand in the last.
func tell(results []Result, room int) told {
	t := told{object: results[0].Object}
	byCheck := map[string][]Result{}
	var ids []string
	for _, r := range results {
		if byCheck[r.Check] == nil {
			ids = append(ids, r.Check)
		}
		byCheck[r.Check] = append(byCheck[r.Check], r)
		t.worst = max(t.worst, r.Severity)
	}
	slices.SortStableFunc(ids, func(a, b string) int {
		x, y := byCheck[a][0], byCheck[b][0]
		return cmp.Or(cmp.Compare(x.Exemption, y.Exemption), cmp.Compare(y.Severity, x.Severity), cmp.Compare(a, b))
	})
	for i, id := range ids {
		r := wire(byCheck[id])
		if i > 0 && r.Properties[PathProperty] == t.results[0].Properties[PathProperty] {
			delete(r.Properties, PathProperty) // once is enough
		}
		n := size(r)
		if i > 0 && t.bytes+n > room {
			last := &t.results[len(t.results)-1]
			last.Properties[OthersProperty] = Short(strings.Join(ids[i:], " "), maxOthers)
			break
		}
		t.results, t.bytes = append(t.results, r), t.bytes+n
	}
	return t
}

// wire is the result of one check on one object; list holds its findings.
func wire(list []Result) openreports.Result {
	first := list[0]
	k := first.Object
	out := openreports.Result{
		Policy: first.Check, Rule: first.Name, Severity: first.Severity.String(), Result: outcome(first), Message: Short(first.Message, maxWords),
		Resources:  []openreports.Reference{{APIVersion: apiVersion(k), Kind: k.Kind.Kind, Namespace: k.Namespace, Name: k.Name}},
		Properties: map[string]string{ActionProperty: first.Action.String()},
	}
	if first.Subject != "" {
		out.Properties[SubjectProperty] = Short(first.Subject, maxWords)
	}
	if len(first.Path) > 0 {
		out.Properties[PathProperty] = Short(strings.Join(first.Path, " -> "), maxWords)
	}
	if len(list) > 1 {
		out.Properties[CountProperty] = strconv.Itoa(len(list))
	}
	if first.Exemption != "" {
		out.Properties[ExemptionProperty] = Short(first.Exemption, maxWords)
	}
	return out
}

// outcome says how a finding counts. In a namespace that only audits, admission
// does nothing about it, and the rule is broken all the same.
func outcome(r Result) openreports.Outcome {
	switch {
	case r.Exemption != "":
		return openreports.Skip
	case r.Certainty != checks.Violation:
		return openreports.Error
	case r.Action == checks.Warn:
		return openreports.Warn
	}
	return openreports.Fail
}

func apiVersion(k inventory.Key) string {
	if kind, known := inventory.KindOf(k.Kind); known {
		return kind.GVK().GroupVersion().String()
	}
	return ""
}

// truncate keeps at most limit results, those of the worst objects, and returns
// how many it left out.
func truncate(list []told, limit int) ([]told, int) {
	total := 0
	for _, t := range list {
		total += len(t.results)
	}
	if total <= limit {
		return list, 0
	}
	slices.SortStableFunc(list, func(a, b told) int { return cmp.Or(cmp.Compare(b.worst, a.worst), a.object.Compare(b.object)) })
	kept, n := 0, 0
	for kept < len(list) && n+len(list[kept].results) <= limit {
		n += len(list[kept].results)
		kept++
	}
	list = list[:kept]
	slices.SortFunc(list, func(a, b told) int { return a.object.Compare(b.object) })
	return list, total - n
}

// divide returns the least power of two, from a number on, into which the
// results can be divided.
func divide(list []told, shards int) int {
	for ; shards < maxShards; shards *= 2 {
		results, bytes, fits := make([]int, shards), make([]int, shards), true
		for _, t := range list {
			i := place(t.object, shards)
			results[i] += len(t.results)
			bytes[i] += t.bytes
			fits = fits && results[i] <= maxResults && bytes[i] <= maxBytes
		}
		if fits {
			return shards
		}
	}
	return maxShards
}

// place is the shard of an object, the same in every process.
func place(k inventory.Key, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.String())) // never fails
	return int(h.Sum32()>>1) % shards
}

// build divides the results. What exceeds the bounds even of the most reports is
// counted as left out.
func build(namespace string, list []told, shards, cut int) []openreports.Report {
	all := make([]openreports.Report, shards)
	bytes := make([]int, shards)
	for _, t := range list {
		i := place(t.object, shards)
		if len(all[i].Results)+len(t.results) > maxResults || bytes[i]+t.bytes > maxBytes {
			cut += len(t.results)
			continue
		}
		all[i].Results = append(all[i].Results, t.results...)
		bytes[i] += t.bytes
	}
	if cut > 0 {
		all[0].Results = append(all[0].Results, left(cut))
	}
	out := all[:0]
	for i := range all {
		if len(all[i].Results) > 0 {
			head(&all[i], namespace, i, shards)
			out = append(out, all[i])
		}
	}
	return out
}

func head(r *openreports.Report, namespace string, i, shards int) {
	r.APIVersion, r.Kind, r.Source = openreports.Group+"/"+openreports.Version, openreports.ReportKind, Source
	if namespace == "" {
		r.Kind = openreports.ClusterReportKind
	}
	r.Metadata = openreports.Metadata{Name: fmt.Sprintf("%s-%d", Source, i), Namespace: namespace, Labels: ManagedBy()}
	if shards > 1 {
		r.Metadata.Labels[shardsLabel] = strconv.Itoa(shards)
	}
	for _, one := range r.Results {
		switch one.Result {
		case openreports.Fail:
			r.Summary.Fail++
		case openreports.Warn:
			r.Summary.Warn++
		case openreports.Error:
			r.Summary.Error++
		case openreports.Skip:
			r.Summary.Skip++
		}
	}
}

// left is the result that says how many others are missing.
func left(n int) openreports.Result {
	return openreports.Result{
		Policy: Source, Rule: TruncatedProperty, Result: openreports.Skip,
		Message:    fmt.Sprintf("%d more results are not listed; `gatehouse check` shows them", n),
		Properties: map[string]string{TruncatedProperty: strconv.Itoa(n)},
	}
}

// size is the number of bytes that a result takes, the comma after it included.
func size(r openreports.Result) int {
	raw, err := json.Marshal(r)
	if err != nil {
		return maxBytes // it would not be written either
	}
	return len(raw) + 1
}

// Short cuts a text at a character boundary and marks the cut.
func Short(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("...")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// Truncated is how many results the reports of a namespace say that they leave
// out.
func Truncated(reports []openreports.Report) int {
	n := 0
	for i := range reports {
		for _, r := range reports[i].Results {
			if left, err := strconv.Atoi(r.Properties[TruncatedProperty]); err == nil && r.Policy == Source {
				n += left
			}
		}
	}
	return n
}
