// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Kubectl runs kubectl as the administrator and returns what it wrote. The
// error is that of the process: exit status 1 is how kubectl reports a request
// that was refused, and stderr says why.
func (cp *ControlPlane) Kubectl(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	return cp.KubectlInput(ctx, strings.NewReader(""), args...)
}

// KubectlInput is Kubectl with standard input, for "apply -f -".
func (cp *ControlPlane) KubectlInput(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	cmd := cp.KubectlCommand(ctx, args...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &problems
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return out.String(), problems.String(), err
}

// KubectlCommand is the command that Kubectl runs, not started, for callers
// that connect its streams themselves. It reads no file of the user: neither
// kubeconfig nor preferences nor cache. Plugins are found in PATH as usual.
func (cp *ControlPlane) KubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, cp.binaries[kubectlName], args...) //nolint:gosec // the caller's own arguments
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+cp.kubeconfig, "KUBECACHEDIR="+cp.folder.file("kubectl-cache"), "KUBERC=off")
	return cmd
}
