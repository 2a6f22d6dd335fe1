// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// changed has, for each value of the chart, another one and a line of an object
// that only that gives.
var changed = map[string]struct{ values, object, line string }{
	"image.registry":            {`image: {registry: registry.example:5000/mirror}`, "Deployment gatehouse-system/gatehouse-webhook", "image: registry.example:5000/mirror/gatehouse-webhook:v0.1.0"},
	"image.tag":                 {`image: {tag: v9.9.9}`, "Deployment gatehouse-system/gatehouse-controller", "image: ghcr.io/gatehouse-sh/gatehouse-controller:v9.9.9"},
	"image.pullPolicy":          {`image: {pullPolicy: Always}`, "Deployment gatehouse-system/gatehouse-gateway", "imagePullPolicy: Always"},
	"image.pullSecrets":         {`image: {pullSecrets: [{name: mine}]}`, "Deployment gatehouse-system/gatehouse-webhook", "- name: mine"},
	"crds.install":              {`crds: {install: false}`, "CustomResourceDefinition <nil>/checkpolicies.gatehouse.sh", ""},
	"crds.keep":                 {`crds: {keep: false}`, "CustomResourceDefinition <nil>/checkpolicies.gatehouse.sh", "controller-gen.kubebuilder.io/version: "},
	"namespaces.create":         {`namespaces: {create: false}`, "Namespace <nil>/gatehouse-system", ""},
	"webhook.replicas":          {`webhook: {replicas: 3}`, "Deployment gatehouse-system/gatehouse-webhook", "replicas: 3"},
	"webhook.failurePolicy":     {`webhook: {failurePolicy: Ignore}`, "Deployment gatehouse-system/gatehouse-controller", "- --fail-open"},
	"webhook.priorityClassName": {`webhook: {priorityClassName: mine}`, "ResourceQuota gatehouse-system/gatehouse-critical-pods", "- mine"},
	"webhook.certManager":       {`webhook: {certManager: true}`, "ValidatingWebhookConfiguration <nil>/gatehouse", "cert-manager.io/inject-ca-from: gatehouse-system/gatehouse-webhook"},
	"network.everywhere":        {`network: {everywhere: true}`, "ClusterRoleBinding <nil>/gatehouse-network", "name: gatehouse-network"},
	"alerts.enabled":            {`alerts: {enabled: true}`, "PrometheusRule gatehouse-system/gatehouse", "- alert: GatehouseNotEnforcing"},
	"gateway.enabled":           {`gateway: {enabled: false}`, "Deployment gatehouse-system/gatehouse-gateway", ""},
	"gateway.replicas":          {`gateway: {replicas: 4}`, "Deployment gatehouse-system/gatehouse-gateway", "replicas: 4"},
	"controller.replicas":       {`controller: {replicas: 1}`, "Deployment gatehouse-system/gatehouse-controller", "replicas: 1"},
}

// everyRow adds what each of the three programs has.
func everyRow(t *testing.T) map[string]struct{ values, object, line string } {
	t.Helper()
	all := maps.Clone(changed)
	for _, program := range []string{"webhook", "controller", "gateway"} {
		for value, to := range map[string][2]string{
			"resources":    {"{limits: {memory: 7Gi}}", "memory: 7Gi"},
			"goMemLimit":   {"6GiB", "value: 6GiB"},
			"nodeSelector": {"{tier: system}", "tier: system"},
			"tolerations":  {"[{key: system, operator: Exists}]", "- key: system"},
			"extraArgs":    {"[--verbose]", "- --verbose"},
		} {
			all[program+"."+value] = struct{ values, object, line string }{
				program + ": {" + value + ": " + to[0] + "}", "Deployment gatehouse-system/gatehouse-" + program, to[1],
			}
		}
	}
	return all
}

// leaves are the values of the chart: what is a map by itself, such as the
// resources of a container, is one of them.
func leaves(values map[string]any, prefix string) []string {
	var out []string
	for name, v := range values {
		fields, is := v.(map[string]any)
		if is && name != "resources" && name != "nodeSelector" {
			out = append(out, leaves(fields, prefix+name+".")...)
			continue
		}
		out = append(out, prefix+name)
	}
	slices.Sort(out)
	return out
}

// merged sets the gateway's own switch too, so that its values show.
func merged(t *testing.T, values string) map[string]any {
	t.Helper()
	out := parse(t, []byte(values))
	gateway, _ := out["gateway"].(map[string]any)
	if gateway == nil {
		gateway = map[string]any{}
		out["gateway"] = gateway
	}
	if _, there := gateway["enabled"]; !there {
		gateway["enabled"] = true
	}
	return out
}

func TestEveryValueChangesWhatItSays(t *testing.T) {
	t.Parallel()
	rows := everyRow(t)
	if diff := cmp.Diff(leaves(load(t).Values, ""), slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("every value has a row (values.yaml -, rows +):\n%s", diff)
	}
	before := rendered(t, merged(t, `{}`))
	for name, tc := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after := rendered(t, merged(t, tc.values))
			if cmp.Equal(before, after) {
				t.Fatalf("%s changes nothing", tc.values)
			}
			was, is := text(t, before[tc.object]), text(t, after[tc.object])
			switch {
			case tc.line == "" && (was == "" || is != ""):
				t.Errorf("%s is there %v without, and %v with %s; want it to go", tc.object, was != "", is != "", tc.values)
			case !strings.Contains(is, tc.line):
				t.Errorf("%s has no line %q with %s:\n%s", tc.object, tc.line, tc.values, is)
			case was == is:
				t.Errorf("%s is the same with %s", tc.object, tc.values)
			}
		})
	}
}

func text(t *testing.T, fields map[string]any) string {
	t.Helper()
	if fields == nil {
		return ""
	}
	raw, err := yaml.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestNoPriorityIsNoQuota(t *testing.T) {
	t.Parallel()
	got := rendered(t, parse(t, []byte(`webhook: {priorityClassName: ""}`)))
	if got["ResourceQuota gatehouse-system/gatehouse-critical-pods"] != nil {
		t.Error("the quota counts Pods of no class")
	}
	if w := text(t, got["Deployment gatehouse-system/gatehouse-webhook"]); w == "" || strings.Contains(w, "priorityClassName") {
		t.Errorf("the webhook has a class of priority:\n%s", w)
	}
}

func TestWrongValuesAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ refused, accepted string }{
		"a value that there is not":       {`webhook: {replica: 3}`, `webhook: {replicas: 3}`},
		"a part that there is not":        {`proxy: {}`, `gateway: {}`},
		"another failure policy":          {`webhook: {failurePolicy: Open}`, `webhook: {failurePolicy: Ignore}`},
		"a truth that is text":            {`crds: {keep: "false"}`, `crds: {keep: false}`},
		"replicas that are text":          {`controller: {replicas: "2"}`, `controller: {replicas: 2}`},
		"fewer replicas than none":        {`controller: {replicas: -1}`, `controller: {replicas: 0}`},
		"memory as Kubernetes writes it":  {`webhook: {goMemLimit: 460Mi}`, `webhook: {goMemLimit: 460MiB}`},
		"an argument that is no flag":     {`webhook: {extraArgs: [verbose]}`, `webhook: {extraArgs: [--verbose]}`},
		"a tag that holds a digest":       {`image: {tag: "v1@sha256:00"}`, `image: {tag: v1}`},
		"a registry that ends in a slash": {`image: {registry: example.com/}`, `image: {registry: example.com}`},
		"a Secret that is only its name":  {`image: {pullSecrets: [mine]}`, `image: {pullSecrets: [{name: mine}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := texts(t, parse(t, []byte(tc.refused))); err == nil || !strings.Contains(err.Error(), "schema") {
				t.Errorf("%s: %v, want what the schema says", tc.refused, err)
			}
			if _, err := texts(t, parse(t, []byte(tc.accepted))); err != nil {
				t.Errorf("%s: %v", tc.accepted, err)
			}
		})
	}
}
