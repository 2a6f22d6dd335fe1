// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMissingBinariesAreAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	complete := []string{etcdName, apiServerName, kubectlName}
	for name, tc := range map[string]struct {
		present []string
		mode    os.FileMode
		options Options
		want    []string
	}{
		"an empty folder":              {nil, 0o755, Options{}, []string{"make cluster", etcdName, apiServerName, kubectlName}},
		"a file that cannot be run":    {complete, 0o644, Options{}, []string{"make cluster", "not an executable file"}},
		"everything but controllers":   {complete, 0o755, Options{WithControllerManager: true}, []string{"make cluster", controllerManagerName}},
		"controllers are not asked":    {complete, 0o755, Options{}, nil},
		"controllers are there, too":   {append([]string{controllerManagerName}, complete...), 0o755, Options{WithControllerManager: true}, nil},
		"a folder that does not exist": {nil, 0, Options{BinDir: "/nonexistent"}, []string{"make cluster", "/nonexistent/etcd"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, file := range tc.present {
				if err := os.WriteFile(filepath.Join(dir, file), nil, tc.mode); err != nil {
					t.Fatal(err)
				}
			}
			if tc.options.BinDir == "" {
				tc.options.BinDir = dir
			}
			_, err := findBinaries(tc.options)
			if (err != nil) != (len(tc.want) > 0) {
				t.Fatalf("got error %v, want one that holds %q", err, tc.want)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestBinaryFolders(t *testing.T) {
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(root, "bin", "cluster")
	for name, tc := range map[string]struct {
		chosen, cluster, assets string
		want                    []string
	}{
		"the options come first":            {"/a", "/b", "/c", []string{"/a"}},
		"then our variable, which may list": {"", "/b:/d", "/c", []string{"/b", "/d"}},
		"then the one of other projects":    {"", "", "/c", []string{"/c", built}},
		"then the repository":               {"", "", "", []string{built}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GATEHOUSE_CLUSTER_BIN", tc.cluster)
			t.Setenv("KUBEBUILDER_ASSETS", tc.assets)
			if got, err := binaryFolders(tc.chosen); err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// TestBinariesMayBeInSeveralFolders: the assets of other projects have no
// kube-controller-manager.
func TestBinariesMayBeInSeveralFolders(t *testing.T) {
	t.Parallel()
	theirs, ours := t.TempDir(), t.TempDir()
	for dir, names := range map[string][]string{theirs: {etcdName, apiServerName, kubectlName}, ours: {etcdName, controllerManagerName}} {
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := findBinaries(Options{BinDir: theirs + string(filepath.ListSeparator) + ours, WithControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	if got[etcdName] != filepath.Join(theirs, etcdName) || got[controllerManagerName] != filepath.Join(ours, controllerManagerName) {
		t.Errorf("got %v", got)
	}
}

func TestBinaryFoldersOutsideTheRepository(t *testing.T) {
	t.Setenv("GATEHOUSE_CLUSTER_BIN", "")
	t.Setenv("KUBEBUILDER_ASSETS", "")
	t.Chdir(t.TempDir())
	if _, err := binaryFolders(""); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_CLUSTER_BIN") {
		t.Errorf("got error %v, want one that names the variable", err)
	}
}
