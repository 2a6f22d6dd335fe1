// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// The files that the components read, below the folder of the control plane.
const (
	caCert                      = "ca.crt"
	caKey                       = "ca.key"
	serverCert                  = "apiserver.crt"
	serverKey                   = "apiserver.key"
	frontProxyCACert            = "front-proxy-ca.crt"
	frontProxyCert              = "front-proxy-client.crt"
	frontProxyKey               = "front-proxy-client.key"
	accountKey                  = "service-account.key"
	accountPublicKey            = "service-account.pub"
	adminKubeconfig             = "admin.kubeconfig"
	controllerManagerKubeconfig = "controller-manager.kubeconfig"
)

// writeCredentials makes new certificates and writes every file that needs
// them. Tokens of an earlier run in the same folder are void after it.
func (cp *ControlPlane) writeCredentials(options *Options) error {
	made, err := newPKI(options.address())
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		caCert: made.ca.cert, caKey: made.ca.key,
		serverCert: made.server.cert, serverKey: made.server.key,
		frontProxyCACert: made.frontProxyCA.cert,
		frontProxyCert:   made.frontProxy.cert, frontProxyKey: made.frontProxy.key,
		accountKey: made.account.key, accountPublicKey: made.account.cert,
	} {
		if err := os.WriteFile(cp.folder.file(name), content, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for name, user := range map[string]pair{
		adminKubeconfig: made.admin, controllerManagerKubeconfig: made.controllerManager,
	} {
		if err := clientcmd.WriteToFile(kubeconfig(cp.address, made.ca.cert, user), cp.folder.file(name)); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := cp.issue(made.ca, options.Identities); err != nil {
		return err
	}
	cp.kubeconfig = cp.folder.file(adminKubeconfig)
	cp.config = &rest.Config{
		Host: cp.address,
		TLSClientConfig: rest.TLSClientConfig{
			CAData: made.ca.cert, CertData: made.admin.cert, KeyData: made.admin.key,
		},
		QPS: -1, // no limit
	}
	return nil
}

func kubeconfig(address string, ca []byte, user pair) clientcmdapi.Config {
	const name = "gatehouse"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: address, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: user.cert, ClientKeyData: user.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return *config
}
