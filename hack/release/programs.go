// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// billEnding is that of bills of materials (https://cyclonedx.org/specification/overview).
const billEnding = ".cdx.json"

// packed is an archive of a program.
type packed struct{ Program, OS, Arch, Archive, Sum, Binary string }

// programs packs every program of the build folder: <program>_<version>_<os>_<arch>
// with the licence, and its bill of materials beside it, as it is beside the program.
func (r *release) programs() ([]packed, error) {
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("read licence: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(r.build, "*-*", "*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasSuffix(path, billEnding) })
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no programs", r.build)
	}
	var out []packed
	for _, path := range paths {
		system := filepath.Base(filepath.Dir(path))
		p := packed{Binary: filepath.Base(path)}
		p.OS, p.Arch, _ = strings.Cut(system, "-")
		p.Program = strings.TrimSuffix(p.Binary, ".exe")
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read program: %w", err)
		}
		bill, err := os.ReadFile(path + billEnding)
		if err != nil {
			return nil, fmt.Errorf("read bill of materials: %w", err)
		}
		name := strings.Join([]string{p.Program, r.version, p.OS, p.Arch}, "_")
		if err := r.put(name+billEnding, bill); err != nil {
			return nil, err
		}
		files, pack := []file{{p.Binary, 0o755, content}, {"LICENSE", 0o644, licence}}, tarball
		p.Archive = name + ".tar.gz"
		if p.OS == "windows" {
			p.Archive, pack = name+".zip", zipped
		}
		archive, err := pack(files, r.when)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Archive, err)
		}
		p.Sum = sum(archive)
		if err := r.put(p.Archive, archive); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if !slices.ContainsFunc(out, func(p packed) bool { return p.Program == plugin }) {
		return nil, errors.New("the program of the command line is not among those that were built")
	}
	return out, nil
}
