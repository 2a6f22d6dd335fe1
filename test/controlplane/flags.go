// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"net"
)

const (
	serviceRange    = "10.96.0.0/16"
	firstServiceIP  = "10.96.0.1" // of the Service kubernetes.default
	podRange        = "10.244.0.0/16"
	serviceIssuer   = "https://kubernetes.default.svc"
	frontProxyName  = "front-proxy-client"
	disableAccounts = "--disable-admission-plugins=ServiceAccount"
)

// etcdFlags: no fsync, because the data outlives this process but need not
// outlive the machine. etcd also reads variables named ETCD_*; it gets none.
func etcdFlags(dir *folder, client, peer string) []string {
	return []string{
		"--name=etcd", "--data-dir=" + dir.file("etcd"), "--unsafe-no-fsync=true", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=etcd=" + peer,
	}
}

// apiServerFlags: on loopback without the endpoint reconciler, because the
// Endpoints of the Service kubernetes.default must not hold a loopback address.
func apiServerFlags(dir *folder, port int, etcd string, options Options) []string {
	address, reconciler := options.address(), "none"
	if !address.IsLoopback() {
		reconciler = "lease"
	}
	flags := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=" + address.String(), "--advertise-address=" + address.String(), fmt.Sprintf("--secure-port=%d", port),
		"--endpoint-reconciler-type=" + reconciler,
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		"--enable-priority-and-fairness=false",
		"--profiling=false",
		"--tls-cert-file=" + dir.file(serverCert), "--tls-private-key-file=" + dir.file(serverKey),
		"--client-ca-file=" + dir.file(caCert),
		"--service-account-issuer=" + serviceIssuer,
		"--service-account-signing-key-file=" + dir.file(accountKey),
		"--service-account-key-file=" + dir.file(accountPublicKey),
		"--requestheader-client-ca-file=" + dir.file(frontProxyCACert),
		"--requestheader-allowed-names=" + frontProxyName,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + dir.file(frontProxyCert), "--proxy-client-key-file=" + dir.file(frontProxyKey),
	}
	if !options.WithControllerManager {
		flags = append(flags, disableAccounts)
	}
	return append(flags, options.APIServerFlags...)
}

func controllerManagerFlags(dir *folder, port int) []string {
	kubeconfig := dir.file(controllerManagerKubeconfig)
	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + dir.file(serverCert), "--tls-private-key-file=" + dir.file(serverKey),
		"--leader-elect=false", "--use-service-account-credentials=true", "--profiling=false",
		"--service-account-private-key-file=" + dir.file(accountKey), "--root-ca-file=" + dir.file(caCert),
		"--cluster-signing-cert-file=" + dir.file(caCert), "--cluster-signing-key-file=" + dir.file(caKey),
		"--kube-api-qps=200", "--kube-api-burst=400", // the usual 20 and 30 are for many at once
		"--allocate-node-cidrs=true", "--cluster-cidr=" + podRange, "--service-cluster-ip-range=" + serviceRange,
	}
}

// freePorts picks n different ports that are free now. They may be taken
// before they are used; see maxAttempts.
func freePorts(n int) ([]int, error) {
	listeners := make([]*net.TCPListener, 0, n)
	defer func() {
		for _, l := range listeners {
			_ = l.Close() // nothing was accepted, nothing can be lost
		}
	}()
	ports := make([]int, 0, n)
	for range n {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, fmt.Errorf("choose a free port: %w", err)
		}
		listeners = append(listeners, l)
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, fmt.Errorf("choose a free port: unexpected address %s", l.Addr())
		}
		ports = append(ports, address.Port)
	}
	return ports, nil
}
