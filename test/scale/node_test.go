// SPDX-License-Identifier: Apache-2.0

package scale

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/test/program"
)

// group is the control group of everything that runs on the node (test/node).
const group = "gatehouse-node"

// node is the cluster of test/node, with Gatehouse installed as a user does: its programs
// are containers.
type node struct {
	dir    string
	config *rest.Config
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{dir: os.Getenv(nodeVariable)}
	config, err := clientcmd.BuildConfigFromFlags("", n.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	n.config = config
	must(t, n, "", "apply", "-f", filepath.Join("..", "..", "manifests", "install.yaml"))
	must(t, n, "", "scale", "deployment", controllerName, "-n", own, "--replicas=0")
	n.rolledOut(t, webhookName)
	return n
}

func (n *node) rolledOut(t *testing.T, name string) {
	t.Helper()
	must(t, n, "", "rollout", "status", "deployment", name, "-n", own, "--timeout=10m")
}

// Kubeconfig is what the node has put into the environment.
func (*node) Kubeconfig() string { return os.Getenv("KUBECONFIG") }

// RESTConfig is a copy.
func (n *node) RESTConfig() *rest.Config { return rest.CopyConfig(n.config) }

// KubectlInput runs the first kubectl in PATH.
func (n *node) KubectlInput(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &problems
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return out.String(), problems.String(), err
}

func (n *node) control(t *testing.T) {
	t.Helper()
	must(t, n, "", "scale", "deployment", controllerName, "-n", own, "--replicas=2")
	n.rolledOut(t, controllerName)
}

// written asks etcd inside of the node's namespaces, where alone it listens.
func (n *node) written(t *testing.T) string {
	t.Helper()
	const flag = "--etcd-servers=http://"
	server := ""
	for _, p := range processesOf(t, "kube-apiserver") {
		for _, arg := range p.args {
			if address, is := strings.CutPrefix(arg, flag); is && strings.Contains(strings.Join(p.args, " "), n.dir) {
				server = address
			}
		}
	}
	host, port, found := strings.Cut(server, ":")
	if !found {
		t.Fatalf("no API server of %s says where etcd is", n.dir)
	}
	ask := fmt.Sprintf(`exec 3<>/dev/tcp/%s/%s; printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; cat <&3`, host, port)
	out, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "bin", "node", "node"), "exec", "-dir", n.dir, "--", "bash", "-c", ask).Output()
	if err != nil {
		t.Fatalf("ask etcd: %v", err)
	}
	return string(out)
}

func (n *node) reviews(t *testing.T) string {
	t.Helper()
	pods := must(t, n, "", "get", "pods", "-n", own, "-l", "app.kubernetes.io/name="+webhookName, "-o", "jsonpath={.items[*].metadata.name}")
	var all strings.Builder
	for pod := range strings.FieldsSeq(pods) {
		all.WriteString(must(t, n, "", "get", "--raw", "/api/v1/namespaces/"+own+"/pods/"+pod+":8080/proxy/metrics"))
	}
	return all.String()
}

func (*node) peak(t *testing.T, name string) int {
	t.Helper()
	most := 0
	for _, p := range processesOf(t, name) {
		groups, err := os.ReadFile(filepath.Join("/proc", p.pid, "cgroup"))
		if err != nil || !bytes.Contains(groups, []byte(group)) {
			continue // of somebody else, or gone
		}
		most = max(most, program.Peak(t, p.number()))
	}
	if most == 0 {
		t.Fatalf("no %s runs on the node", name)
	}
	return most
}

// objects leaves ReplicaSets and Pods to the controllers of the cluster. They are for
// nodes of kwok alone, and nothing else is.
func (*node) objects() (first, rest []client.Object) {
	first, rest = objects(func(*appsv1.Deployment, *int) []client.Object { return nil })
	only := corev1.Taint{Key: "kwok.x-k8s.io/node", Value: "fake", Effect: corev1.TaintEffectNoSchedule}
	for _, o := range first {
		if of, is := o.(*corev1.Node); is {
			of.Spec.Taints = []corev1.Taint{only}
		}
	}
	for _, o := range rest {
		if d, is := o.(*appsv1.Deployment); is {
			n := int32(copies)
			d.Spec.Replicas = &n
			d.Spec.Template.Spec.NodeSelector = map[string]string{"type": "kwok"}
			d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: only.Key, Operator: corev1.TolerationOpExists}}
		}
	}
	return first, rest
}

func (*node) kwok() []string {
	return []string{"--manage-all-nodes=false", "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake"}
}

// keepsNodes: a node without heartbeat loses its Pods.
func (*node) keepsNodes() bool { return true }
