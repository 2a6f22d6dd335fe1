// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
)

// program counts how often it ran.
func program(ran *int, outcome error) Program {
	return Program{Name: "test", About: "is a test", Verbose: "everything", Run: func(_ context.Context, cfg *rest.Config, log logr.Logger) error {
		*ran++
		if cfg.Host != "https://cluster.example" || !log.V(1).Enabled() {
			return errors.New("the cluster or the level is another")
		}
		return outcome
	}}
}

func flags() *flag.FlagSet {
	f := flag.NewFlagSet("test", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Int("own", 0, "a flag of the program")
	return f
}

func TestNothingRunsForTheseArguments(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"the version":         {[]string{"-version"}, 0},
		"help":                {[]string{"-help"}, 0},
		"an unknown flag":     {[]string{"-none"}, 2},
		"a value that is bad": {[]string{"-own", "x"}, 2},
		"an argument":         {[]string{"-own", "1", "more"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			ran := 0
			if got := program(&ran, nil).Main(t.Context(), flags(), tc.args); got != tc.want || ran != 0 {
				t.Errorf("exit code %d, want %d; it ran %d times", got, tc.want, ran)
			}
		})
	}
}

func TestTheExitCodeTellsTheOutcome(t *testing.T) {
	ran := 0
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if got := program(&ran, nil).Main(t.Context(), flags(), nil); got != 1 || ran != 0 {
		t.Errorf("without a cluster: exit code %d, want 1; it ran %d times", got, ran)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], ` +
		`clusters: [{name: c, cluster: {server: "https://cluster.example"}}], users: [{name: u}]}`
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	for want, outcome := range []error{nil, errors.New("it broke")} {
		ran = 0
		if got := program(&ran, outcome).Main(t.Context(), flags(), []string{"-verbose", "-own", "1"}); got != want || ran != 1 {
			t.Errorf("a program that ends with %v: exit code %d, want %d; it ran %d times", outcome, got, want, ran)
		}
	}
}
