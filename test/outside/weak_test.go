// SPDX-License-Identifier: Apache-2.0

package outside

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/pki"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// finding is what testssl.sh says of one thing.
type finding struct {
	ID, Severity, Finding string
}

// excused are findings that say nothing of a listener.
var excused = map[string]string{
	"engine_problem":  "the openssl of the machine has no GOST",
	"cert_revocation": "the authority of a test has neither lists nor OCSP",
}

// ofCiphers is what testssl.sh has to say of protocols and ciphers. It takes TLS 1.0 for
// little harm.
var ofCiphers = map[string]string{
	"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered", "TLS1_2": "offered", "TLS1_3": "offered with final",
	"cipherlist_NULL": "not offered", "cipherlist_aNULL": "not offered", "cipherlist_EXPORT": "not offered", "cipherlist_LOW": "not offered",
	"cipherlist_3DES_IDEA": "not offered", "cipherlist_AVERAGE": "not offered", "cipherlist_STRONG": "offered", "PFS": "offered",
}

// looked are the parts of testssl.sh that are run, and what each of them has to find; "": it
// has to say something.
var looked = map[string]map[string]string{
	"-p -s -f": ofCiphers,
	"-P -S":    {"cipher_order": "", "cert_trust": "", "cert_chain_of_trust": "passed.", "cert_signatureAlgorithm": "ECDSA with SHA256"},
	"-U": {
		"heartbleed": "", "CCS": "", "ticketbleed": "", "ROBOT": "", "secure_renego": "supported", "secure_client_renego": "", "CRIME_TLS": "", "BREACH": "", "POODLE_SSL": "",
		"fallback_SCSV": "", "SWEET32": "", "FREAK": "", "DROWN": "", "LOGJAM": "", "BEAST": "", "LUCKY13": "", "RC4": "",
	},
}

// TestNothingWeakIsSpoken: testssl.sh finds no weak protocol, no weak cipher and no
// vulnerability in a listener. Most of its time it waits, so its parts run side by side.
func TestNothingWeakIsSpoken(t *testing.T) {
	t.Parallel()
	program.Need(t, "testssl=testssl.sh")
	g := start(t, program.Free(t)) // there is no backend: what answers is the listener
	for parts, wanted := range looked {
		t.Run(parts, func(t *testing.T) {
			t.Parallel()
			found := look(t, parts, g.at["secure"], g.authority)
			for id, what := range faults(found, wanted) {
				t.Errorf("%s: %s", id, what)
			}
			t.Logf("%d findings", len(found))
		})
	}
}

// TestWhatIsWeakIsFound: they find what there is to be found.
func TestWhatIsWeakIsFound(t *testing.T) {
	t.Parallel()
	program.Need(t, "testssl=testssl.sh")
	a := pki.New(t, "authority")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate(t, a)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the test ended
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c) // until the client goes
			}()
		}
	}()
	list := faults(look(t, "-p -s -f", l.Addr().String(), a), ofCiphers)
	for _, id := range []string{"TLS1", "TLS1_1", "TLS1_3", "cipherlist_LOW", "cipherlist_AVERAGE", "cipherlist_STRONG"} {
		if list[id] == "" {
			t.Errorf("%s is not among %v", id, list)
		}
		delete(list, id)
	}
	for id, what := range list {
		t.Errorf("%s: %s", id, what)
	}
}

// faults are findings above LOW that nothing excuses, and those that are not as wanted.
func faults(found map[string]finding, wanted map[string]string) map[string]string {
	out := map[string]string{}
	for id, f := range found {
		switch f.Severity {
		case "OK", "INFO", "LOW", "DEBUG":
		default:
			if excused[id] == "" {
				out[id] = f.Severity + " " + f.Finding
			}
		}
	}
	for id, want := range wanted {
		if f, there := found[id]; !there || want != "" && f.Finding != want {
			out[id] = fmt.Sprintf("got %q, want %q", f.Finding, want)
		}
	}
	return out
}

// look runs parts of testssl.sh.
func look(t *testing.T, parts, address string, a *pki.Authority) map[string]finding {
	t.Helper()
	folder := t.TempDir()
	file, authority := filepath.Join(folder, "findings.json"), filepath.Join(folder, "authority.pem")
	if err := os.WriteFile(authority, a.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	args := append(strings.Fields(parts), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--add-ca", authority, "--jsonfile", file, "https://localhost:"+port)
	tool := program.Start(t, "", syscall.SIGTERM, "testssl", args...)
	select {
	case <-tool.Over():
	case <-t.Context().Done():
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: %s", err, tool.Said())
	}
	var list []finding
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	found := map[string]finding{}
	for _, f := range list {
		found[f.ID] = f
	}
	if _, whole := found["scanTime"]; !whole {
		t.Fatalf("testssl.sh was not at its end: %s", tool.Said())
	}
	return found
}
