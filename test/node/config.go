// SPDX-License-Identifier: Apache-2.0

package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
)

// templates are the files that the parts of the node read. $name stands for a value
// of configure.
//
//go:embed config
var templates embed.FS

// bridgeFile is the CNI configuration of a node on which nobody enforces
// NetworkPolicies.
const bridgeFile = "10-bridge.conflist"

// configure writes the files.
func (s *settings) configure() error {
	values := map[string]string{
		"dir": s.dir, "bin": s.bin, "control": s.in("control"), "node": nodeName, "nodeIP": nodeIP().String(),
		"podRange": podRange, "cgroupRoot": cgroupRoot, "kubeletServer": kubeletServerFile, "proxy": proxyFile, "nameServer": nameServer,
	}
	for _, dir := range []string{"config", "containerd", "kubelet", "cni"} {
		if err := os.MkdirAll(s.in(dir), 0o700); err != nil {
			return fmt.Errorf("create folder: %w", err)
		}
	}
	return fs.WalkDir(templates, "config", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == bridgeFile && s.enforcer != enforcerNone {
			return err
		}
		content, err := templates.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		var unknown string
		text := os.Expand(string(content), func(name string) string {
			value, known := values[name]
			if !known {
				unknown = name
			}
			return value
		})
		if unknown != "" {
			return fmt.Errorf("write %s: nothing is called $%s", path, unknown)
		}
		if err := os.WriteFile(s.in(path), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return nil
	})
}
