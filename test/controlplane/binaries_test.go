// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"
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

func TestBinaryFolder(t *testing.T) {
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ chosen, cluster, assets, want string }{
		"the options come first":         {"/a", "/b", "/c", "/a"},
		"then our variable":              {"", "/b", "/c", "/b"},
		"then the one of other projects": {"", "", "/c", "/c"},
		"then the repository":            {"", "", "", filepath.Join(root, "bin", "cluster")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GATEHOUSE_CLUSTER_BIN", tc.cluster)
			t.Setenv("KUBEBUILDER_ASSETS", tc.assets)
			if got, err := binaryFolder(tc.chosen); err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestBinaryFolderOutsideTheRepository(t *testing.T) {
	t.Setenv("GATEHOUSE_CLUSTER_BIN", "")
	t.Setenv("KUBEBUILDER_ASSETS", "")
	t.Chdir(t.TempDir())
	if _, err := binaryFolder(""); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_CLUSTER_BIN") {
		t.Errorf("got error %v, want one that names the variable", err)
	}
}
