// SPDX-License-Identifier: Apache-2.0

// Command release packs programs that are built already into what is published:
// an archive and a bill of materials for each program and system, the manifests,
// the Helm chart, the manifest of krew, and the checksums of all of them, which
// is the one file that is signed. It needs no network, and the same input gives
// the same bytes. `make release` calls it.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// release is what the flags say.
type release struct {
	version string    // with a leading v, as the tag has it
	build   string    // folder with <os>-<arch>/<program>
	root    string    // folder of the repository
	out     string    // folder to write to; what is there already stays out of the checksums
	when    time.Time // what archives say the age of their files is

	written []string // names below out, in the order of writing
}

func main() {
	var r release
	flag.StringVar(&r.version, "version", "", "version of the release, such as v0.1.0")
	flag.StringVar(&r.build, "build", "", "folder with the programs: <os>-<arch>/<program>")
	flag.StringVar(&r.root, "root", ".", "folder of the repository")
	flag.StringVar(&r.out, "out", "", "folder to write to")
	seconds := flag.Int64("time", 0, "age of the files in archives, in seconds since 1970: that of the commit")
	flag.Parse()
	r.when = time.Unix(*seconds, 0).UTC()
	if err := r.write(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (r *release) write() error {
	if r.version == "" || r.build == "" || r.out == "" {
		return errors.New("flags are missing: -version -build -out")
	}
	if !strings.HasPrefix(r.version, "v") || strings.ContainsAny(r.version, "/\\ \n") {
		return fmt.Errorf("version %q is not one like v0.1.0", r.version)
	}
	if err := os.MkdirAll(r.out, 0o750); err != nil {
		return fmt.Errorf("create folder of the release: %w", err)
	}
	packed, err := r.programs()
	if err != nil {
		return err
	}
	if err := r.manifests(); err != nil {
		return err
	}
	if err := r.krew(packed); err != nil {
		return err
	}
	return r.checksums()
}

// put writes one file of the release.
func (r *release) put(name string, content []byte) error {
	if slices.Contains(r.written, name) {
		return fmt.Errorf("%s is there twice", name)
	}
	if err := os.WriteFile(filepath.Join(r.out, name), content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	r.written = append(r.written, name)
	return nil
}

// checksums writes what `sha256sum --check` reads.
func (r *release) checksums() error {
	slices.Sort(r.written)
	var b strings.Builder
	for _, name := range r.written {
		content, err := os.ReadFile(filepath.Join(r.out, name))
		if err != nil {
			return fmt.Errorf("sum up: %w", err)
		}
		fmt.Fprintf(&b, "%s  %s\n", sum(content), name)
	}
	return r.put("checksums.txt", []byte(b.String()))
}

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}
