// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// parts are what the chart is made of.
var parts = []part{
	{path: "default"},
	{path: "gateway", condition: ".Values.gateway.enabled", file: "gateway.yaml"},
	{path: "network-everywhere/binding.yaml", condition: ".Values.network.everywhere", file: "network.yaml"},
	{path: "alerts", condition: ".Values.alerts.enabled", file: "alerts.yaml"},
	{path: "overlays/cert-manager/certificate.yaml", condition: ".Values.webhook.certManager", file: "certificate.yaml"},
}

// conditions are of objects that a value leaves out.
var conditions = []struct{ kind, name, expression string }{
	{"CustomResourceDefinition", "", ".Values.crds.install"},
	{"Namespace", "", ".Values.namespaces.create"},
	{"ResourceQuota", "gatehouse-critical-pods", ".Values.webhook.priorityClassName"},
}

// edits are where the values go.
var edits = slices.Concat(
	deployment("webhook"), deployment("controller"), deployment("gateway"),
	[]edit{
		{kind: "CustomResourceDefinition", path: []string{"metadata", "annotations", "helm.sh/resource-policy"}, form: only, expression: ".Values.crds.keep", given: "helm.sh/resource-policy: keep"},
		{kind: "Deployment", name: "gatehouse-webhook", path: []string{"spec", "template", "spec", "priorityClassName"}, form: only, was: "system-cluster-critical", expression: ".Values.webhook.priorityClassName", given: "priorityClassName: {{ .Values.webhook.priorityClassName }}"},
		{kind: "ResourceQuota", name: "gatehouse-critical-pods", path: []string{"spec", "scopeSelector", "matchExpressions", "*", "values"}, form: block, expression: "(list .Values.webhook.priorityClassName)"},
		{kind: "ValidatingWebhookConfiguration", path: []string{"webhooks", "*", "failurePolicy"}, form: inline, was: "Fail", expression: ".Values.webhook.failurePolicy"},
		{kind: "Deployment", name: "gatehouse-controller", path: []string{"spec", "template", "spec", "containers", "controller", "args", "+"}, form: only, expression: `eq .Values.webhook.failurePolicy "Ignore"`, given: "- --fail-open"},
	},
	certManager(),
)

// deployment has the values that each of the programs has.
func deployment(program string) []edit {
	values := ".Values." + program
	pod := func(path ...string) []string { return append([]string{"spec", "template", "spec"}, path...) }
	container := func(path ...string) []string { return append(pod("containers", program), path...) }
	out := []edit{
		{path: []string{"spec", "replicas"}, form: inline, expression: values + ".replicas"},
		{path: container("image"), form: inline, expression: `printf "%s/gatehouse-` + program + `:%s" .Values.image.registry (.Values.image.tag | default .Chart.AppVersion) | quote`},
		{path: container("imagePullPolicy"), form: inline, expression: ".Values.image.pullPolicy"},
		{path: container("resources"), form: block, expression: values + ".resources"},
		{path: container("env", "GOMEMLIMIT", "value"), form: inline, expression: values + ".goMemLimit | quote"},
		{path: container("args", "+"), form: items, expression: values + ".extraArgs"},
		{path: pod("nodeSelector"), form: block, expression: values + ".nodeSelector"},
		{path: pod("tolerations"), form: optional, expression: values + ".tolerations"},
		{path: pod("imagePullSecrets"), form: optional, expression: ".Values.image.pullSecrets"},
	}
	for i := range out {
		out[i].kind, out[i].name = "Deployment", "gatehouse-"+program
	}
	return out
}

// certManager is what overlays/cert-manager patches.
func certManager() []edit {
	const condition = ".Values.webhook.certManager"
	inject := "annotations:\n  cert-manager.io/inject-ca-from: gatehouse-system/gatehouse-webhook"
	pod := []string{"spec", "template", "spec"}
	return []edit{
		{kind: "Deployment", name: "gatehouse-webhook", path: slices.Concat(pod, []string{"containers", "webhook", "args", "+"}), form: only, expression: condition, given: "- --cert-dir=/certificates"},
		{kind: "Deployment", name: "gatehouse-webhook", path: slices.Concat(pod, []string{"containers", "webhook", "volumeMounts"}), form: only, expression: condition, given: "volumeMounts:\n- name: certificates\n  mountPath: /certificates\n  readOnly: true"},
		{kind: "Deployment", name: "gatehouse-webhook", path: slices.Concat(pod, []string{"volumes"}), form: only, expression: condition, given: "volumes:\n- name: certificates\n  secret:\n    secretName: gatehouse-webhook-serving"},
		{kind: "ValidatingWebhookConfiguration", path: []string{"metadata", "annotations"}, form: only, expression: condition, given: inject},
		{kind: "MutatingWebhookConfiguration", path: []string{"metadata", "annotations"}, form: only, expression: condition, given: inject},
	}
}
