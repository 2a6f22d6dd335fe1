// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const issuer = "https://idp.example.com/"

// host is what the Gateway of edge.yaml serves.
const host = "shop.example.com"

// gateway puts an application behind the gateway, as a cluster does, and knocks. Both run
// until the demo ends.
func (d *demo) gateway() error {
	d.title("The gateway in front of an application that checks nothing itself")
	key, err := d.doorway()
	if err != nil {
		return err
	}
	stopShop, err := d.shop()
	if err != nil {
		return err
	}
	d.stops = append(d.stops, stopShop)
	out, err := d.kubectl("-n", "shop", "patch", "service", "orders", "-p", `{"spec":{"type":"NodePort"}}`)
	if err == nil || !strings.Contains(out, "* EXP-001 ") {
		return errors.New("the way around the gateway was opened")
	}
	port, stop, err := d.open()
	if err != nil {
		return err
	}
	d.stops, d.served = append(d.stops, stop), fmt.Sprintf("127.0.0.1:%d", port)
	if err := d.knock(key); err != nil {
		return err
	}
	if err := d.fence(); err != nil {
		return err
	}
	if out, err = d.program("gatehouse", "exposure", "-n", "shop", "--quiet"); err != nil || !strings.Contains(out, host) {
		return fmt.Errorf("the endpoint is not among what is exposed: %w", err)
	}
	return nil
}

// doorway installs the Gateway API and a Gateway with a certificate, and the keys of an
// identity provider, whose own key it returns.
func (d *demo) doorway() (*ecdsa.PrivateKey, error) {
	module, err := exec.CommandContext(d.ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	if err != nil {
		return nil, fmt.Errorf("find the Gateway API's module: %w", err)
	}
	if err := os.Symlink(filepath.Join(strings.TrimSpace(string(module)), "config", "crd", "standard"), filepath.Join(d.dir, "gateway-api")); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(d.dir, "idp.json"), keys, 0o600); err != nil {
		return nil, err
	}
	if err := d.certificate(); err != nil {
		return nil, err
	}
	if err := d.must("apply", "--server-side", "-f", d.dir+"/gateway-api/"); err != nil {
		return nil, err
	}
	served := d.cp.KubectlCommand(d.ctx, "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
	if out, err := served.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("wait for the Gateway API: %w: %s", err, out)
	}
	for _, args := range [][]string{
		{"-n", own, "create", "secret", "tls", "shop-tls", "--cert", filepath.Join(d.dir, "tls.crt"), "--key", filepath.Join(d.dir, "tls.key")},
		{"apply", "-f", "manifests/gateway/class.yaml", "-f", "test/demo/edge.yaml"},
	} {
		if err := d.must(args...); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// certificate writes one for the host, signed by itself.
func (d *demo) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 3, 0)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.dir, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

// shop runs the application until the function that it returns is called, and applies
// what puts it behind the Gateway.
func (d *demo) shop() (stop func(), err error) {
	at, err := machine()
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(d.ctx, "tcp", net.JoinHostPort(at, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for the application: %w", err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "the orders of %s\n", r.Header.Get("X-User")) //nolint:gosec // no browser reads it
	})}}
	s.Start()
	if err := d.behind(l.Addr()); err != nil {
		s.Close()
		return nil, err
	}
	return s.Close, nil
}

func (d *demo) behind(at net.Addr) error {
	address, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "test", "demo", "shop.yaml"))
	if err != nil {
		return err
	}
	file := filepath.Join(d.dir, "shop.yaml")
	text = bytes.Replace(text, []byte("containerPort: 8080"), []byte("containerPort: "+port), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil { //nolint:gosec // in the folder that the demo has made
		return err
	}
	_, shown, _ := strings.Cut(string(text), "kind: AccessPolicy\n")
	shown, _, _ = strings.Cut(shown, "---\napiVersion: v1")
	d.say("%s\n%s", d.style(dim, "$ sed -n 7,26p test/demo/shop.yaml"), indent("kind: AccessPolicy\n"+shown))
	if err := d.must("apply", "-f", file); err != nil {
		return fmt.Errorf("an application behind the gateway was refused: %w", err)
	}
	if err := d.must("-n", "shop", "create", "secret", "generic", "idp", "--from-file=jwks="+filepath.Join(d.dir, "idp.json")); err != nil {
		return err
	}
	if err := d.pod(address); err != nil {
		return fmt.Errorf("report the application as a Pod: %w", err)
	}
	return d.must("-n", "shop", "wait", "deployment/orders", "--for=condition=Available", "--timeout=1m")
}

// fence makes the policies of the network that let the gateway's pods in, and nobody else.
func (d *demo) fence() error {
	file := filepath.Join(d.dir, "policies.yaml")
	if _, err := d.program("gatehouse", "generate", "--cluster", "-n", "shop", "-q", "--to", file); err != nil {
		return fmt.Errorf("make policies of the network: %w", err)
	}
	return d.must("apply", "-f", file)
}

// machine is an address of this machine that is not the loopback's, which no
// EndpointSlice may have. What is sent to it stays here.
func machine() (string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr().String(), nil
		}
	}
	return "", errors.New("the machine has no address but the loopback's, which no EndpointSlice may have: connect it to a network")
}

// open runs the gateway until the function that it returns is called, and says where the
// Gateway is served.
func (d *demo) open() (port int, stop func(), err error) {
	port, metrics, err := twoPorts(d.ctx)
	if err != nil {
		return 0, nil, err
	}
	offset := fmt.Sprintf("--port-offset=%d", port-443)
	d.say("%s\n", d.style(dim, "$ gatehouse-gateway --kubernetes --addresses=127.0.0.1 "+offset+" &"))
	cmd := exec.CommandContext(d.ctx, filepath.Join(root, "bin", "gatehouse-gateway"), "--kubernetes", "--addresses=127.0.0.1", offset, //nolint:gosec // our own program
		"--kubeconfig="+d.cp.Kubeconfig(), fmt.Sprintf("--metrics=127.0.0.1:%d", metrics), "--drain=2s")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if d.verbose {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("start the gateway: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however it did
	}
	err = d.must("-n", own, "wait", "gateway/edge", "--for=condition=Programmed", "--timeout=1m")
	if err == nil {
		err = d.wait(fmt.Sprintf("http://127.0.0.1:%d/readyz", metrics))
	}
	if err != nil {
		stop()
		return 0, nil, err
	}
	return port, stop, nil
}
