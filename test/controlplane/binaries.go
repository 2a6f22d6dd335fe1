// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	etcdName              = "etcd"
	apiServerName         = "kube-apiserver"
	controllerManagerName = "kube-controller-manager"
	kubectlName           = "kubectl"
)

// module is the first line of the go.mod that marks the root of the repository.
const module = "module github.com/gatehouse-sh/gatehouse\n"

// binaries maps the name of a component to its path.
type binaries map[string]string

// findBinaries looks every binary up that the options ask for, so that a
// missing one is reported before anything runs.
func findBinaries(options Options) (binaries, error) {
	dirs, err := binaryFolders(options.BinDir)
	if err != nil {
		return nil, err
	}
	names := []string{etcdName, apiServerName, kubectlName}
	if options.WithControllerManager {
		names = append(names, controllerManagerName)
	}
	found := make(binaries, len(names))
	var errs []error
	for _, name := range names {
		if found[name], err = firstExecutable(dirs, name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("find control plane binaries: run `make cluster` to build them, "+
			"or set KUBEBUILDER_ASSETS to a folder that has them: %w", err)
	}
	return found, nil
}

// firstExecutable returns the path of the first file of a name. The error is about
// the last folder.
func firstExecutable(dirs []string, name string) (string, error) {
	var last error
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			last = err
		case info.IsDir() || info.Mode()&0o111 == 0:
			last = fmt.Errorf("%s is not an executable file", path)
		default:
			return path, nil
		}
	}
	return "", last
}

// binaryFolders returns where the binaries are looked for, one folder after the
// other: those of other projects seldom have every component.
func binaryFolders(chosen string) ([]string, error) {
	if chosen == "" {
		chosen = os.Getenv("GATEHOUSE_CLUSTER_BIN")
	}
	if chosen == "" {
		root, err := repositoryRoot()
		if err != nil {
			return nil, err
		}
		chosen = filepath.Join(root, "bin", "cluster")
		if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
			chosen = assets + string(filepath.ListSeparator) + chosen
		}
	}
	dirs := filepath.SplitList(chosen)
	for i, dir := range dirs {
		whole, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("find control plane binaries: %w", err)
		}
		dirs[i] = whole
	}
	return dirs, nil
}

// repositoryRoot walks up from the working directory, which is the package
// folder in a test.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find repository: %w", err)
	}
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // a fixed name above the working directory
		if err == nil && len(content) >= len(module) && string(content[:len(module)]) == module {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find control plane binaries: the working directory is outside the repository: " +
				"set GATEHOUSE_CLUSTER_BIN to its bin/cluster, which `make cluster` builds")
		}
		dir = parent
	}
}
