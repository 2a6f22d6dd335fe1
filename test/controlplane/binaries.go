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
	dir, err := binaryFolder(options.BinDir)
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
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		case info.IsDir() || info.Mode()&0o111 == 0:
			errs = append(errs, fmt.Errorf("%s: %s is not an executable file", name, path))
		}
		found[name] = path
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("find control plane binaries: run `make cluster` to build them, "+
			"or set KUBEBUILDER_ASSETS to a folder that has them: %w", err)
	}
	return found, nil
}

func binaryFolder(chosen string) (string, error) {
	for _, dir := range []string{chosen, os.Getenv("GATEHOUSE_CLUSTER_BIN"), os.Getenv("KUBEBUILDER_ASSETS")} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "bin", "cluster"), nil
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
