// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// release is the namespace of the release, as docs/helm.md has it.
const release = "gatehouse-system"

// configuration is what helm reads of its flags and environment.
func configuration(t *testing.T, cp *controlplane.ControlPlane) *action.Configuration {
	t.Helper()
	kubeconfig, namespace := cp.Kubeconfig(), release
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &kubeconfig, &namespace
	cfg := action.NewConfiguration()
	if err := cfg.Init(flags, namespace, "secret"); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func kubectl(t *testing.T, cp *controlplane.ControlPlane, stdin string, args ...string) string {
	t.Helper()
	out, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("%v: %s", err, problems)
	}
	return out
}

func TestAReleaseComesChangesAndGoes(t *testing.T) {
	cp := controlplane.Get(t)
	cfg := configuration(t, cp)

	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace = "gatehouse", release
	install.CreateNamespace, install.TakeOwnership = true, true
	install.WaitStrategy, install.Timeout = kube.HookOnlyStrategy, 2*time.Minute
	if _, err := install.RunWithContext(t.Context(), load(t), map[string]any{}); err != nil {
		t.Fatalf("install: %v", err)
	}
	if got := kubectl(t, cp, "", "get", "namespace", release, "-o", `jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}`); got != "restricted" {
		t.Errorf("the namespace that Helm made enforces %q of Pod Security", got)
	}

	// What the webhook and an administrator write is not the chart's.
	kubectl(t, cp, "", "patch", "secret", "gatehouse-webhook-certificates", "-n", release, "-p", `{"stringData":{"tls.crt":"kept"}}`)
	kubectl(t, cp, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/checkpolicies.gatehouse.sh")
	kubectl(t, cp, "apiVersion: gatehouse.sh/v1alpha1\nkind: CheckPolicy\nmetadata: {name: default}\nspec: {}\n", "apply", "-f", "-")

	upgrade := action.NewUpgrade(cfg)
	upgrade.Namespace, upgrade.WaitStrategy, upgrade.Timeout = release, kube.HookOnlyStrategy, 2*time.Minute
	values := parse(t, []byte(`{webhook: {replicas: 3, failurePolicy: Ignore}, network: {everywhere: true}}`))
	if _, err := upgrade.RunWithContext(t.Context(), "gatehouse", load(t), values); err != nil {
		t.Fatalf("upgrade: %v", err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"the replicas are changed":           {[]string{"get", "deployment", "gatehouse-webhook", "-n", release, "-o", "jsonpath={.spec.replicas}"}, "3"},
		"the webhook fails open":             {[]string{"get", "validatingwebhookconfiguration", "gatehouse", "-o", `jsonpath={.webhooks[?(@.name=="enforce.validate.gatehouse.sh")].failurePolicy}`}, "Ignore"},
		"network policies may be everywhere": {[]string{"get", "clusterrolebinding", "gatehouse-network", "-o", "jsonpath={.metadata.name}"}, "gatehouse-network"},
		"the certificate is kept":            {[]string{"get", "secret", "gatehouse-webhook-certificates", "-n", release, "-o", `jsonpath={.data.tls\.crt}`}, "a2VwdA=="},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kubectl(t, cp, "", tc.args...); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}

	uninstall := action.NewUninstall(cfg)
	uninstall.WaitStrategy, uninstall.Timeout = kube.HookOnlyStrategy, 2*time.Minute
	if _, err := uninstall.Run("gatehouse"); err != nil {
		t.Fatalf("uninstall: %v", err)
	}
	if got := kubectl(t, cp, "", "get", "checkpolicies", "-o", "name"); got != "checkpolicy.gatehouse.sh/default\n" {
		t.Errorf("of the CheckPolicies %q is left", got)
	}
	if got := kubectl(t, cp, "", "get", "validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies,clusterroles,deployments", "-A", "-l", "app.kubernetes.io/part-of=gatehouse", "-o", "name"); got != "" {
		t.Errorf("the release left\n%s", got)
	}
}
