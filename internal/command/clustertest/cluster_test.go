// SPDX-License-Identifier: Apache-2.0

// Package clustertest runs the command line against a real API server. It is a
// package of its own because the scripts of package command need its TestMain.
package clustertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/command"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// The controllers end what is deleted with all that it owns.
func TestMain(m *testing.M) {
	controlplane.MainWith(m, controlplane.Options{Log: os.Stderr, WithControllerManager: true})
}

var (
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	services   = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	validating = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	mutating   = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}
)

// run runs one command line.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := command.Environment{
		In: strings.NewReader(""), Out: &out, Err: &errs, Program: "gatehouse", Now: time.Now,
		Getenv: func(string) string { return "" },
	}
	return command.Run(t.Context(), env, args), out.String(), errs.String()
}

func client(t *testing.T) dynamic.Interface {
	t.Helper()
	c, err := dynamic.NewForConfig(controlplane.Get(t).RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// apply creates an object from YAML.
func apply(t *testing.T, gvr schema.GroupVersionResource, namespace, text string) {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := client(t).Resource(gvr).Namespace(namespace).Create(t.Context(), u, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestAClusterIsJudged(t *testing.T) {
	ns := fmt.Sprintf("judged-%d", time.Now().UnixNano())
	apply(t, namespaces, "", "{apiVersion: v1, kind: Namespace, metadata: {name: "+ns+"}}")
	apply(t, services, ns, "{apiVersion: v1, kind: Service, metadata: {name: open}, spec: {type: NodePort, selector: {app: a}, ports: [{port: 80}]}}")
	apply(t, services, ns, "{apiVersion: v1, kind: Service, metadata: {name: closed}, spec: {selector: {app: a}, ports: [{port: 80}]}}")
	kubeconfig := controlplane.Get(t).Kubeconfig()

	code, out, errs := run(t, "check", "--kubeconfig", kubeconfig, "-n", ns, "--checks", "EXP-001", "-o", "json")
	if code != command.ExitFindings {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 1 || r.Findings[0].Object.Name != "open" || r.Findings[0].Object.APIVersion != "v1" || r.Findings[0].File != "" {
		t.Errorf("got %+v", r.Findings)
	}
	if code, out, errs := run(t, "check", "--kubeconfig", kubeconfig, "-n", ns, "--checks", "EXP-001", "--respect-labels"); code != command.ExitClean {
		t.Errorf("a namespace that did not opt in: exit code %d\n%s%s", code, out, errs)
	}
}

// TestManifestsAreJudgedAmidACluster shows that --live gives the manifests the
// surroundings that they would meet: the namespace's labels.
func TestManifestsAreJudgedAmidACluster(t *testing.T) {
	ns := fmt.Sprintf("amid-%d", time.Now().UnixNano())
	apply(t, namespaces, "", "{apiVersion: v1, kind: Namespace, metadata: {name: "+ns+", labels: {gatehouse.sh/admission: warn}}}")
	file := filepath.Join(t.TempDir(), "service.yaml")
	text := "apiVersion: v1\nkind: Service\nmetadata: {name: new, namespace: " + ns + "}\nspec: {type: NodePort, selector: {app: a}, ports: [{port: 80}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kubeconfig := controlplane.Get(t).Kubeconfig()
	code, out, errs := run(t, "check", file, "--live", "--kubeconfig", kubeconfig, "--checks", "EXP-001", "--respect-labels")
	if code != command.ExitClean || !strings.Contains(out, "1 finding in 1 object: 1 warned") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestWhatCannotBeReadIsNoCleanCluster: a user without rights gets no verdict.
func TestWhatCannotBeReadIsNoCleanCluster(t *testing.T) {
	config, err := clientcmd.LoadFromFile(controlplane.Get(t).Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "nobody-in-particular"
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, "check", "--kubeconfig", path)
	if code != command.ExitFault || !strings.Contains(errs, "forbidden") {
		t.Errorf("the policy cannot be read: exit code %d\n%s%s", code, out, errs)
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("{apiVersion: gatehouse.sh/v1alpha1, kind: CheckPolicy, metadata: {name: default}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = run(t, "check", "--kubeconfig", path, "--policy", policy)
	if code != command.ExitFault || !strings.Contains(errs, "Service: unreadable") {
		t.Errorf("the kinds cannot be read: exit code %d\n%s%s", code, out, errs)
	}
}

func TestUninstallTakesBothRegistrationsAway(t *testing.T) {
	apply(t, validating, "", "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: gatehouse}}")
	apply(t, mutating, "", "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: gatehouse}}")
	apply(t, mutating, "", "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: of-others}}")
	there := func(gvr schema.GroupVersionResource, name string) bool {
		_, err := client(t).Resource(gvr).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		return err == nil
	}
	kubeconfig := controlplane.Get(t).Kubeconfig()
	if code, out, errs := run(t, "uninstall", "--dry-run", "--kubeconfig", kubeconfig); code != command.ExitClean || !strings.Contains(out, "would be deleted") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if !there(validating, "gatehouse") || !there(mutating, "gatehouse") {
		t.Fatal("a dry run deleted something")
	}
	if code, out, errs := run(t, "uninstall", "--kubeconfig", kubeconfig); code != command.ExitClean || !strings.Contains(out, "kubectl delete") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if there(validating, "gatehouse") || there(mutating, "gatehouse") || !there(mutating, "of-others") {
		t.Fatal("uninstall did not delete its two registrations, or more than these")
	}
	if code, out, errs := run(t, "uninstall", "--kubeconfig", kubeconfig); code != command.ExitClean || !strings.Contains(out, "not there") {
		t.Fatalf("again: exit code %d\n%s%s", code, out, errs)
	}
}
