// SPDX-License-Identifier: Apache-2.0

package command

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contents is the files of a folder, hidden ones too.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		text := []byte("a folder")
		if !e.IsDir() {
			if text, err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		out[e.Name()] = string(text)
	}
	return out
}

func TestFilesChangeTogether(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		more []fileChange // after a.yaml and new.yaml have their texts
		good bool
	}{
		"all of them":                         {[]fileChange{{path: "b.yaml", text: []byte("new")}, {path: "c.yaml", gone: true}}, true},
		"no folder for one":                   {[]fileChange{{path: "none/b.yaml", text: []byte("new")}}, false},
		"the name of one is taken":            {[]fileChange{{path: "folder", text: []byte("new")}}, false},
		"one is gone before it is taken away": {[]fileChange{{path: "b.yaml", text: []byte("new")}, {path: "c.yaml", gone: true}, {path: "none.yaml", gone: true}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			before := map[string]string{"a.yaml": "old a", "b.yaml": "old b", "c.yaml": "old c", "folder": "a folder"}
			for file, text := range before {
				path := filepath.Join(folder, file)
				if file == "folder" {
					if err := os.Mkdir(path, 0o750); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			changes := append([]fileChange{{path: "a.yaml", text: []byte("new")}, {path: "new.yaml", text: []byte("new")}}, tc.more...)
			for i := range changes {
				changes[i].path = filepath.Join(folder, changes[i].path)
			}
			want := before
			if tc.good {
				want = map[string]string{"a.yaml": "new", "new.yaml": "new", "b.yaml": "new", "folder": "a folder"}
			}
			if err := changeFiles(changes); (err == nil) != tc.good {
				t.Errorf("error %v, want one %t", err, !tc.good)
			}
			if diff := cmp.Diff(want, contents(t, folder)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if info, err := os.Stat(filepath.Join(folder, "a.yaml")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the mode of a.yaml changed: %v %v", info.Mode(), err)
			}
		})
	}
}
