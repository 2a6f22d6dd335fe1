// SPDX-License-Identifier: Apache-2.0

package intents_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/expose"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestKeysThatNobodyReadsAreTold: they would ask for something, and nothing would be done.
func TestKeysThatNobodyReadsAreTold(t *testing.T) {
	t.Parallel()
	const pod = `selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}, annotations: {%s}}, spec: {containers: [{name: c, image: i}]}}`
	deployment := func(own, template string) string {
		return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, annotations: {%s}}, spec: {`+pod+`}}`, own, template)
	}
	for name, tc := range map[string]struct{ object, want string }{
		"a workload": {
			deployment(`gatehouse.sh/allow-too: "pay/api:80"`, ""),
			`metadata.annotations[gatehouse.sh/allow-too]: annotation gatehouse.sh/allow-too: Gatehouse has no such key: did you mean gatehouse.sh/allow-to?`,
		},
		"a pod template": {
			deployment("", `gatehouse.sh/alow-from: "pay/api:80"`),
			`spec.template.metadata.annotations[gatehouse.sh/alow-from]: annotation gatehouse.sh/alow-from: Gatehouse has no such key: did you mean gatehouse.sh/allow-from?`,
		},
		"nothing near":                {deployment(`gatehouse.sh/everything: "true"`, ""), `metadata.annotations[gatehouse.sh/everything]: annotation gatehouse.sh/everything: Gatehouse has no such key`},
		"keys of Gatehouse's":         {deployment(`gatehouse.sh/opt-out-reason: x`, ""), ""},
		"keys of others":              {deployment(`example.com/allow-too: x, gatehouse.shop/allow-too: x`, ""), ""},
		"a Service":                   {`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {gatehouse.sh/allow-form: x}}, spec: {selector: {app: web}}}`, `metadata.annotations[gatehouse.sh/allow-form]: annotation gatehouse.sh/allow-form: Gatehouse has no such key: did you mean gatehouse.sh/allow-from?`},
		"a Service that is published": {`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {gatehouse.sh/auth: none, gatehouse.sh/port: http}}, spec: {selector: {app: web}}}`, ""},
		"a Service that nearly is":    {`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {gatehouse.sh/rate-limits: 1/s}}, spec: {selector: {app: web}}}`, `metadata.annotations[gatehouse.sh/rate-limits]: annotation gatehouse.sh/rate-limits: Gatehouse has no such key: did you mean gatehouse.sh/rate-limit?`},
		"a workload published":        {deployment(`gatehouse.sh/auth: none`, ""), `metadata.annotations[gatehouse.sh/auth]: annotation gatehouse.sh/auth: only a Service is published by it`},
		"a label of a Namespace":      {`{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {gatehouse.sh/netwrk: apply}}}`, `metadata.labels[gatehouse.sh/netwrk]: label gatehouse.sh/netwrk: Gatehouse has no such key: did you mean gatehouse.sh/network?`},
		"the mode of a Namespace":     {`{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {gatehouse.sh/network: aply}}}`, `metadata.labels[gatehouse.sh/network]: label gatehouse.sh/network "aply": it is preview or apply: did you mean apply?`},
		"a mode that is one":          {`{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {gatehouse.sh/network: apply}}}`, ""},
		"a connection of a Namespace": {`{apiVersion: v1, kind: Namespace, metadata: {name: shop, annotations: {gatehouse.sh/allow-to: "pay/api:80"}}}`, `metadata.annotations[gatehouse.sh/allow-to]: annotation gatehouse.sh/allow-to: a Namespace asks for no connections: say it at the workload, or in the NetworkPlan of the namespace`},
		"a pod that something owns":   {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, annotations: {gatehouse.sh/allow-too: x}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: u, controller: true}]}, spec: {containers: [{name: c, image: i}]}}`, ""},
		"a pod of its own":            {`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, annotations: {gatehouse.sh/allow-too: x}}, spec: {containers: [{name: c, image: i}]}}`, `metadata.annotations[gatehouse.sh/allow-too]: annotation gatehouse.sh/allow-too: Gatehouse has no such key: did you mean gatehouse.sh/allow-to?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := inventory.New(decode(t, tc.object)...)
			u, err := generator.Observe(inv)
			if err != nil {
				t.Fatal(err)
			}
			env := generator.NewEnvironment()
			var got []string
			found := intents.Read(inv, u, &env, intents.Options{})
			for _, p := range found.Problems {
				got = append(got, p.Edge.Because[0].Field+": "+p.What)
				if p.Edge.From == (generator.Peer{}) {
					t.Errorf("%s is about nobody", p)
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEveryKeyIsKnown: of all those that stand in the code.
func TestEveryKeyIsKnown(t *testing.T) {
	t.Parallel()
	literal := regexp.MustCompile(`"gatehouse\.sh/([a-z]+(?:-[a-z]+)*)"`)
	seen := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "bin" || d.Name() == ".git"):
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range literal.FindAllSubmatch(text, -1) {
			seen++
			knows(t, path, string(found[1]))
		}
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("%d keys, %v", seen, err)
	}
}

// TestEveryAnnotationOfServicesIsKnown: of those that the gateway reads, and of those on
// their page, which are the same ones.
func TestEveryAnnotationOfServicesIsKnown(t *testing.T) {
	t.Parallel()
	const page = "../../docs/ingress.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `gatehouse\\.sh/([a-z-]+)` \\|").FindAllSubmatch(text, -1) {
		told = append(told, string(row[1]))
	}
	slices.Sort(told)
	read := slices.Sorted(slices.Values(expose.Keys()))
	if diff := cmp.Diff(read, told); diff != "" || len(read) == 0 {
		t.Errorf("%s: -read +told:\n%s", page, diff)
	}
	for _, name := range read {
		knows(t, page, name)
	}
}

// knows fails a test where a Service may not have a key, which stands in a file.
func knows(t *testing.T, file, key string) {
	t.Helper()
	inv := inventory.New(decode(t, fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {gatehouse.sh/%s: x}}, spec: {externalName: x}}`, key))...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	for _, p := range intents.Read(inv, u, &env, intents.Options{}).Problems {
		if strings.Contains(p.What, "no such key") {
			t.Errorf("%s: %s", file, p.What)
		}
	}
}
