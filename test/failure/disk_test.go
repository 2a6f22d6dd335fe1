// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// disk is a small one, in memory, that only programs see which are started in it: it is
// mounted in namespaces of its own, which are gone with the last of them.
type disk struct {
	folder string // as programs see it
	holder *program.Process
}

// newDisk mounts one of a mebibyte. Where that is not allowed the test is skipped, or
// fails where CI is set.
func newDisk(t *testing.T) *disk {
	t.Helper()
	program.Need(t, "unshare=util-linux")
	d := &disk{folder: t.TempDir()}
	d.holder = program.Start(t, "", syscall.SIGKILL, "unshare", "--user", "--map-root-user", "--mount",
		"sh", "-c", `mount -t tmpfs -o size=1m gatehouse-test "$0" && : >"$0/mounted" && exec sleep infinity`, d.folder)
	controlplane.Eventually(t, patience, "the disk is mounted", func() error {
		select {
		case <-d.holder.Over():
			if os.Getenv("CI") != "" {
				t.Fatalf("no disk of its own: %s", d.holder.Said())
			}
			t.Skipf("no disk of its own, so NOT TESTED: a full disk under decisions and under what is kept: %s", d.holder.Said())
		default:
		}
		_, err := os.Stat(d.see("mounted"))
		return err
	})
	return d
}

// see is where this test sees a file of the disk.
func (d *disk) see(name string) string {
	return filepath.Join("/proc", strconv.Itoa(d.holder.Pid()), "root", d.folder, name)
}

// start runs a program that sees the disk.
func (d *disk) start(t *testing.T, address, name string, args ...string) *program.Process {
	t.Helper()
	args = append([]string{"--target", strconv.Itoa(d.holder.Pid()), "--user", "--mount", "--preserve-credentials", "--", name}, args...)
	return program.Start(t, address, syscall.SIGTERM, "nsenter", args...)
}

const filler = "filler"

// fill leaves no byte free, but in the last blocks of files.
func (d *disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.see(filler))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// free gives back what fill took.
func (d *disk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.see(filler)); err != nil {
		t.Fatal(err)
	}
}

func (d *disk) read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(d.see(name))
	if err != nil {
		t.Fatal(fmt.Errorf("read %s of the disk: %w", name, err))
	}
	return text
}
