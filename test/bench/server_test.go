// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/webhook"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// serverVariable makes the test binary a server instead: "allow", "gatehouse"
// (with the namespaces only) or "gatehouse-large".
const serverVariable = "GATEHOUSE_BENCH_SERVER"

// folderVariable names a folder for the control plane's data. It is kept, so a
// later run finds the large shape, which takes minutes to write.
const folderVariable = "GATEHOUSE_BENCH_CLUSTER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serverVariable); kind != "" {
		if err := serveReviews(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if workloads := os.Getenv(memoryVariable); workloads != "" {
		if err := generateOnce(workloads, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	controlplane.MainWith(m, controlplane.Options{Log: os.Stderr, Dir: os.Getenv(folderVariable)})
}

// allowAll is the least that a webhook can do: decode the envelope, allow,
// encode.
func allowAll(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var review struct {
		Request struct {
			UID    string          `json:"uid"`
			Object json.RawMessage `json:"object"`
		} `json:"request"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := webhook.Answer{Allowed: true}.Encode(review.Request.UID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
}

// serveReviews serves until standard input ends.
func serveReviews(kind string) error {
	set, err := catalog.Set()
	if err != nil {
		return err
	}
	metrics, err := webhook.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		return err
	}
	p := policy.Default(set)
	size := shape.Size{Namespaces: shape.Large.Namespaces, Services: shape.Large.Services}
	if kind == "gatehouse-large" {
		size = shape.Large
	}
	var handler http.Handler = http.HandlerFunc(allowAll)
	if kind != "allow" {
		serve.TuneMemory() // as the product does
		inv := size.Inventory()
		judge := webhook.Validator{Engine: webhook.Engine{
			Inventory: func() *inventory.Inventory { return inv }, Policy: func() *policy.Policy { return p },
			Namespace: "gatehouse-system", Metrics: metrics,
		}}
		handler = webhook.NewHandler(judge, webhook.NewBound(), metrics, logr.Discard())
	}
	cert, err := selfSigned()
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return err
	}
	stop, err := profile()
	if err != nil {
		return err
	}
	defer stop()
	s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	fmt.Printf("https://%s/\n", l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Close()
	}()
	if err := s.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// profileVariable names a file for the server's CPU profile.
const profileVariable = "GATEHOUSE_BENCH_PROFILE"

func profile() (stop func(), err error) {
	path := os.Getenv(profileVariable)
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
