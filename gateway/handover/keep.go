// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/bounded"
)

// keptName is the file of what is served, in the folder where it is kept.
const keptName = "snapshot.json"

// kept returns what was served last, nil if nothing was.
func kept(folder string) ([]byte, error) {
	if folder == "" {
		return nil, nil
	}
	text, err := bounded.ReadFile(filepath.Join(folder, keptName), config.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// keep keeps a text. A process that ends meanwhile leaves the one before.
func keep(folder string, text []byte) error {
	if folder == "" {
		return nil
	}
	at := filepath.Join(folder, keptName)
	if err := os.WriteFile(at+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(at+".new", at)
}

// keeping is what is served while it cannot be kept: on a full disk, for one.
type keeping struct {
	text  []byte
	fault string // as it was logged; "" once it is kept
}

// keep keeps a text that is served. While that fails, each answer of the Hub is followed
// by another try: what was served before it may let in who is to be kept out.
func (f *Follower) keep(text []byte) {
	err := keep(f.options.Keep, text)
	switch {
	case err == nil && f.unkept.fault != "":
		f.options.Log.Info("what is served is kept again", "folder", f.options.Keep)
	case err != nil && f.unkept.fault != err.Error():
		f.options.Log.Error(err, "what is served is not kept for the next process", "folder", f.options.Keep)
	}
	if err == nil {
		f.unkept = keeping{}
		if f.options.Kept != nil && f.options.Keep != "" {
			f.options.Kept(len(text))
		}
		return
	}
	f.unkept = keeping{text, err.Error()}
}

// keepAgain tries what could not be kept once more.
func (f *Follower) keepAgain() {
	if f.unkept.fault != "" {
		f.keep(f.unkept.text)
	}
}
