// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
)

// told remembers when the reports first said that an object breaks a check.
type told struct {
	mu      sync.Mutex
	first   map[fault]time.Time
	certain map[fault]bool // told by a result of its own, which says that the check fails
	err     error          // of the last look
}

// fault is a check and the object that breaks it.
type fault struct{ check, object string }

// follow looks at the reports of the whole cluster until the test ends.
func (c *cluster) follow(t *testing.T) *told {
	t.Helper()
	k := &told{first: map[fault]time.Time{}, certain: map[fault]bool{}}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			k.look(context.Background(), c)
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return k
}

func (k *told) look(ctx context.Context, c *cluster) {
	var all []openreports.Report
	for _, kind := range []string{openreports.ReportKind, openreports.ClusterReportKind} {
		list, err := c.listReports(ctx, kind)
		if err != nil {
			k.mu.Lock()
			k.err = err
			k.mu.Unlock()
			return
		}
		all = append(all, list...)
	}
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = nil
	for _, r := range all {
		for _, one := range r.Results {
			for _, check := range append(strings.Fields(one.Properties["others"]), one.Policy) {
				for _, o := range one.Resources {
					at := fault{check, objectName(o.Kind, o.Namespace, o.Name)}
					if _, known := k.first[at]; !known && one.Result == openreports.Fail {
						k.first[at] = now
					}
					if check == one.Policy && one.Result == openreports.Fail {
						k.certain[at] = true
					}
				}
			}
		}
	}
}

func (c *cluster) listReports(ctx context.Context, kind string) ([]openreports.Report, error) {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(openreports.Group + "/" + openreports.Version)
	list.SetKind(kind + "List")
	if err := c.api.List(ctx, list); err != nil {
		return nil, fmt.Errorf("list %s: %w", kind, err)
	}
	raw, err := list.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var out struct{ Items []openreports.Report }
	return out.Items, json.Unmarshal(raw, &out)
}

// of returns when the reports first said so of every object, and those of which
// they did not.
func (k *told) of(check string, objects ...string) (last time.Time, missing []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range objects {
		at, said := k.first[fault{check, o}]
		if !said {
			missing = append(missing, o)
		}
		last = slices.MaxFunc([]time.Time{last, at}, time.Time.Compare)
	}
	return last, missing
}

// violates reports whether a result said without doubt that one of the objects
// breaks a check. Of the checks that share a result it is not known.
func (k *told) violates(check string, objects ...string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(objects, func(o string) bool { return k.certain[fault{check, o}] })
}

// wait waits until the reports say so of every object, or the end.
func (k *told) wait(check string, end time.Time, objects ...string) (last time.Time, missing []string) {
	for {
		// The look that is on its way when the end comes counts by its own time.
		over := time.Now().After(end.Add(time.Second))
		last, missing = k.of(check, objects...)
		if len(missing) == 0 && last.After(end) {
			missing = objects
		}
		if len(missing) == 0 || over {
			return last, missing
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// fault is why the last look failed; nil when it did not.
func (k *told) fault() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}
