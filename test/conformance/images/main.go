// SPDX-License-Identifier: Apache-2.0

// Command images lists the images that the manifests of the suite name, one a line:
// its name, its tag, and the program of ours that stands for it.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	suite "sigs.k8s.io/gateway-api/conformance"
)

func main() {
	lines, err := list(suite.Manifests)
	if err == nil {
		_, err = fmt.Fprintln(os.Stdout, strings.Join(lines, "\n"))
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "images:", err) // there is nobody else to tell
		os.Exit(1)
	}
}

// list reads the manifests for gateways. Those of meshes are not run.
func list(manifests fs.FS) ([]string, error) {
	// echo-basic is the suite's own backend. Of coredns the suite wants any answer by
	// UDP: dns gives one.
	programs := map[string]string{"echo-basic": "echo-basic", "coredns": "dns"}
	field := regexp.MustCompile(`(?m)^\s*(?:- )?image:\s*"?([^\s"]+)`)
	found := map[string]bool{}
	err := fs.WalkDir(manifests, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name == "mesh" {
			return fs.SkipDir
		}
		if path.Ext(name) != ".yaml" || strings.HasPrefix(path.Base(name), "mesh-") {
			return nil
		}
		content, err := fs.ReadFile(manifests, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		for _, m := range field.FindAllSubmatch(content, -1) {
			image, tag, ok := strings.Cut(string(m[1]), ":")
			program := programs[path.Base(image)]
			if !ok || program == "" {
				return fmt.Errorf("%s: nothing here stands for the image %s", name, m[1])
			}
			found[image+" "+tag+" "+program] = true
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = errors.New("the manifests name no image")
	}
	return slices.Sorted(maps.Keys(found)), err
}
