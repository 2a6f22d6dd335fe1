// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"hash"
	"path/filepath"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/bounded"
)

// Sizes of the largest files that are read. The lists of large authorities have
// some 100,000 entries of 40 bytes.
const (
	maxCertificate = 1 << 20
	maxRevoked     = 16 << 20
	maxKey         = 4 << 10
)

// files reads what a configuration names, which is looked for beside it.
type files struct {
	of   string
	root tree
	sum  hash.Hash // of what was read
	seen []seen
	errs []error
}

// seen is a file that was read.
type seen struct {
	name string // as the configuration has it
	most int64
}

// beside is where a file is that a configuration names.
func beside(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// mix adds a file to a sum.
func mix(sum hash.Hash, name string, content []byte) {
	_, _ = fmt.Fprintf(sum, "\x00%s\x00%d\x00", name, len(content)) // a hash takes everything
	_, _ = sum.Write(content)                                       // and this
}

// all reads every file that a snapshot names.
func (f *files) all(s *Snapshot) {
	for i := range s.Certificates {
		c, path := &s.Certificates[i], fmt.Sprintf("certificates[%d]", i)
		c.Cert = f.read(path+".certFile", c.CertFile, maxCertificate)
		c.Key = f.read(path+".keyFile", c.KeyFile, maxCertificate)
		c.At = placed([]Error{{Path: path + ".certFile"}}, f.of, f.root)[0]
	}
	for i := range s.Listeners {
		f.clients(fmt.Sprintf("listeners[%d]", i), s.Listeners[i].TLS)
	}
	for i := range s.Streams {
		f.clients(fmt.Sprintf("streams[%d]", i), s.Streams[i].TLS)
	}
	for i := range s.Backends {
		if t := s.Backends[i].TLS; t != nil {
			t.CAs = f.several(fmt.Sprintf("backends[%d].tls.caFiles", i), t.CAFiles, maxCertificate, isAuthorities)
		}
	}
	f.access(s)
	f.stores(s.Stores)
	if d := &s.Telemetry.Decisions; d.KeyFile != "" {
		d.Key = f.read("telemetry.decisions.keyFile", d.KeyFile, maxKey)
	}
}

// clients reads what judges the certificates of clients.
func (f *files) clients(path string, t *TLS) {
	if t != nil && t.Client != nil {
		path += ".tls.client"
		t.Client.CAs = f.several(path+".caFiles", t.Client.CAFiles, maxCertificate, isAuthorities)
		t.Client.CRLs = f.several(path+".crlFiles", t.Client.CRLFiles, maxRevoked, isRevoked)
	}
}

// read reads a file. A fault has the path of the field that names it.
func (f *files) read(path, name string, most int64) []byte {
	f.seen = append(f.seen, seen{name, most})
	content, err := bounded.ReadFile(beside(f.of, name), most)
	if err != nil {
		f.fault(path, err.Error())
		return nil
	}
	mix(f.sum, name, content)
	return content
}

func (f *files) fault(path, what string) {
	f.errs = append(f.errs, located([]Error{{Path: path, What: what}}, f.of, f.root))
}

// several reads files that must be of a kind.
func (f *files) several(path string, names []string, most int64, is func([]byte) error) [][]byte {
	var out [][]byte
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", path, i)
		content := f.read(at, name, most)
		if content == nil {
			continue
		}
		if err := is(content); err != nil {
			f.fault(at, fmt.Sprintf("%s: %v", name, err))
		}
		out = append(out, content)
	}
	return out
}
