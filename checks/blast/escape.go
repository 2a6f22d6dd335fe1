// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// escape finds out whether whoever takes a container over has its node, and with
// that every pod and every ServiceAccount on it.
func escape(w *inventory.Workload) (harm, bool) {
	h := harm{term: byEscape, severity: checks.Critical}
	add := func(trait, why string) {
		h.parts = append(h.parts, part{trait, "take over its node: " + why, []string{why, "the node and all that runs on it"}})
	}
	s := w.Spec
	eachContainer(s, func(name string, c *corev1.SecurityContext) {
		if c == nil {
			return
		}
		if hostProcess(c.WindowsOptions) {
			add("hostProcess/"+name, "container "+name+" is a process of the node (hostProcess)")
		}
		if c.Privileged != nil && *c.Privileged {
			add("privileged/"+name, "container "+name+" is privileged")
		}
		if c.Capabilities == nil || s.HostUsers != nil && !*s.HostUsers {
			return // in a user namespace of its own a capability says nothing about the node
		}
		for _, added := range c.Capabilities.Add {
			if breaks := strings.TrimPrefix(strings.ToUpper(string(added)), "CAP_"); slices.Contains(breaking, breaks) {
				add("capability/"+name+"/"+breaks, "container "+name+" has the capability "+breaks)
			}
		}
	})
	if s.SecurityContext != nil && hostProcess(s.SecurityContext.WindowsOptions) {
		add("hostProcess", "its containers are processes of the node (hostProcess)")
	}
	if s.HostPID {
		add("hostPID", "it sees the node's processes (hostPID)")
	}
	for i := range s.Volumes {
		v := &s.Volumes[i]
		if v.HostPath == nil {
			continue
		}
		mounted, written := mounts(s, v.Name)
		if p := path.Clean("/" + v.HostPath.Path); mounted && givesNode(p, written) {
			add("hostPath/"+p, "volume "+v.Name+" is "+p+" of the node")
		}
	}
	return h, len(h.parts) > 0
}

// hostProcess reports whether a container of Windows runs on the node itself.
// https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/
func hostProcess(o *corev1.WindowsSecurityContextOptions) bool {
	return o != nil && o.HostProcess != nil && *o.HostProcess
}

// breaking are the capabilities that lead out of a container by themselves.
// https://man7.org/linux/man-pages/man7/capabilities.7.html
var breaking = []string{"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF"}

func eachContainer(s *corev1.PodSpec, visit func(name string, c *corev1.SecurityContext)) {
	for i := range s.InitContainers {
		visit(s.InitContainers[i].Name, s.InitContainers[i].SecurityContext)
	}
	for i := range s.Containers {
		visit(s.Containers[i].Name, s.Containers[i].SecurityContext)
	}
	for i := range s.EphemeralContainers {
		visit(s.EphemeralContainers[i].Name, s.EphemeralContainers[i].SecurityContext)
	}
}

// mounts reports whether a container mounts a volume, and whether one of them may
// write to it: it does not say that it only reads.
func mounts(s *corev1.PodSpec, volume string) (mounted, written bool) {
	in := func(list []corev1.VolumeMount) {
		for i := range list {
			if list[i].Name == volume {
				mounted, written = true, written || !list[i].ReadOnly
			}
		}
	}
	for i := range s.InitContainers {
		in(s.InitContainers[i].VolumeMounts)
	}
	for i := range s.Containers {
		in(s.Containers[i].VolumeMounts)
	}
	for i := range s.EphemeralContainers {
		in(s.EphemeralContainers[i].VolumeMounts)
	}
	return mounted, written
}

// The paths of a node that give it away. Credentials and sockets do so when they
// can only be read: connecting to a socket is no writing.
// https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation
// https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
var (
	readable = slices.Concat([]string{
		"/etc/kubernetes", "/etc/shadow", "/etc/ssh", "/root/.kube", "/root/.ssh",
		"/var/lib/kubelet/pki", "/var/lib/kubelet/pods", "/var/lib/kubelet/kubeconfig", "/var/lib/kubelet/config.json",
		"/var/lib/etcd", "/var/lib/rancher", "/var/lib/k0s",
	}, inDirectory("/run", runtimes), inDirectory("/var/run", runtimes), microK8s)

	// In /var/log/pods lie the files that the kubelet, which is root, hands out to
	// who asks for logs; it follows a link that somebody put in their place. The
	// names below /dev stand for the directory: memory and disks.
	// https://avd.aquasec.com/misconfig/kubernetes/khv047
	// https://docs.kubelinter.io/#/generated/checks?id=sensitive-host-mounts
	writable = []string{
		"/bin", "/sbin", "/lib", "/lib64", "/usr", "/boot", "/proc", "/sys", "/etc", "/root", "/home", "/opt/cni", "/opt/bin",
		"/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd", "/var/lib/cloud", "/var/spool/cron",
		"/var/log/containers", "/var/log/pods",
		"/dev/disk", "/dev/kmem", "/dev/mapper", "/dev/mem", "/dev/port",
	}

	// runtimes are names in /run, for which /var/run is another, of sockets, or
	// directories with such, by which one makes containers or processes of the node.
	// https://kubernetes.io/docs/setup/production-environment/container-runtimes/
	// https://github.com/falcosecurity/libs/blob/master/userspace/libsinsp/cri_settings.h (k3s, Bottlerocket)
	// https://docs.k0sproject.io/stable/runtime/
	// https://docs.podman.io/en/latest/markdown/podman-system-service.1.html
	// https://github.com/containerd/nri#plugin-registration
	runtimes = []string{
		"containerd", "cri-dockerd.sock", "crio", "docker", "docker.sock", "dockershim.sock",
		"host-containerd", "k0s", "k3s", "nri", "podman", "dbus", "systemd",
	}

	// microK8s are the sockets and the credentials of a snap, beside which volumes
	// lie that are harmless.
	// https://microk8s.io/docs/configuring-services
	microK8s = []string{
		"/var/snap/microk8s/common/run", "/var/snap/microk8s/common/var/lib/kubelet",
		"/var/snap/microk8s/current/certs", "/var/snap/microk8s/current/credentials",
	}
)

func inDirectory(directory string, names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, directory+"/"+n)
	}
	return out
}

// givesNode reports whether a path of the node, with all below it, holds one of
// those that give it away or lies in one.
func givesNode(p string, written bool) bool {
	covers := func(list []string) bool {
		return slices.ContainsFunc(list, func(at string) bool { return below(at, p) || below(p, at) })
	}
	return covers(readable) || written && covers(writable)
}

// below reports whether a path is another or lies in it.
func below(p, in string) bool {
	return p == in || in == "/" || strings.HasPrefix(p, in) && p[len(in)] == '/'
}
