// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gatehouse-sh/gatehouse/internal/hubble/relaytest"
)

const twoApps = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: carts, namespace: shop}
spec: {selector: {matchLabels: {app: carts}}, template: {metadata: {labels: {app: carts}}, spec: {containers: [{name: carts, image: "carts:1"}]}}}
`

// onRelay is a command over twoApps in a folder and the flows of a relay.
type onRelay struct {
	relay *relaytest.Relay
	dir   string
	trust []string // the flags of TLS
}

func newRelay(t *testing.T, sessions ...relaytest.Session) *onRelay {
	t.Helper()
	r := &onRelay{relay: relaytest.Start(t, sessions...), dir: t.TempDir()}
	for name, text := range map[string][]byte{"app.yaml": []byte(twoApps), "ca": r.relay.CA, "cert": r.relay.Cert, "key": r.relay.Key} {
		if err := os.WriteFile(r.file(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.trust = []string{"--hubble-relay-ca", r.file("ca"), "--hubble-relay-cert", r.file("cert"), "--hubble-relay-key", r.file("key"), "--hubble-relay-server-name", relaytest.Name}
	return r
}

func (r *onRelay) file(name string) string { return filepath.Join(r.dir, name) }

// run runs a command and returns its exit code and both outputs.
func (r *onRelay) run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	now := func() time.Time { return relaytest.Noon.Add(time.Minute) }
	code := Run(t.Context(), Environment{Out: &out, Err: &out, Program: "gatehouse", Getenv: os.Getenv, Now: now}, append(args, "--hubble-relay", r.relay.Address))
	return code, strings.ReplaceAll(out.String(), r.relay.Address, "RELAY")
}

// TestFlowsOfARelayAreLearned writes policies of what a relay remembers of the last
// hour, and puts its flows through others.
func TestFlowsOfARelayAreLearned(t *testing.T) {
	t.Parallel()
	r := newRelay(t, relaytest.Send(nil, relaytest.Between("web", "carts", 8080), relaytest.Between("web", "carts", 8081)))
	code, out := r.run(t, append(r.trust, "generate", r.file("app.yaml"), "--to", r.file("policies.yaml"))...)
	policies, err := os.ReadFile(r.file("policies.yaml"))
	if code != ExitClean || err != nil || !strings.Contains(out, "note: 2 flows, from ") || !strings.Contains(string(policies), "flow relay "+r.relay.Address+" (seen)") {
		t.Errorf("exit %d, %v: %s\n%s", code, err, out, policies)
	}
	if since := r.relay.Requests()[0].GetSince().AsTime(); !since.Equal(relaytest.Noon.Add(time.Minute - defaultSince)) {
		t.Errorf("asked for flows since %s", since)
	}
	code, out = r.run(t, append(r.trust, "network", "simulate", "-f", r.file("app.yaml"), "-f", r.file("policies.yaml"), "-q", "--since", "0")...)
	if code != ExitClean || out != "Nothing would be dropped of 2 connections.\n" {
		t.Errorf("exit %d: %s", code, out)
	}
	if q := r.relay.Requests()[1]; q.GetSince() != nil || q.GetFollow() {
		t.Errorf("asked %v", q)
	}
	r = newRelay(t, relaytest.Send(nil, relaytest.Between("web", "carts", 8080), relaytest.Between("carts", "web", 9000)))
	if err := os.WriteFile(r.file("policies.yaml"), policies, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out = r.run(t, append(r.trust, "network", "simulate", "-f", r.file("app.yaml"), "-f", r.file("policies.yaml"), "-q")...)
	if code != ExitFindings || !strings.HasPrefix(out, "dropped: Deployment shop/carts -> Deployment shop/web TCP/9000 (1 flow, the last at ") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestARelayThatGoesAwayWritesNothing: half of what a relay remembers would look
// like all of it.
func TestARelayThatGoesAwayWritesNothing(t *testing.T) {
	t.Parallel()
	gone := status.Error(codes.Unavailable, "the relay is going away")
	for name, tc := range map[string]struct {
		sessions []relaytest.Session
		trusted  bool
		want     string // nothing for a run that goes well
	}{
		"in the middle": {
			[]relaytest.Session{relaytest.Send(gone, relaytest.Between("web", "carts", 8080)), relaytest.Send(gone)},
			true,
			"gatehouse: read flows: after 1 flow: relay RELAY: given up after 3 attempts: rpc error: code = Unavailable desc = the relay is going away\n",
		},
		"before the first flow":            {[]relaytest.Session{relaytest.Send(gone)}, true, "gatehouse: read flows: relay RELAY: given up after 3 attempts"},
		"as it does not trust the command": {[]relaytest.Session{relaytest.Send(status.Error(codes.PermissionDenied, "who are you?"))}, true, "who are you?"},
		"as it is not trusted":             {[]relaytest.Session{relaytest.Send(nil, relaytest.Between("web", "carts", 8080))}, false, "certificate signed by unknown authority"},
		"without a flow":                   {[]relaytest.Session{relaytest.Send(nil)}, true, "gatehouse: read flows of relay RELAY: there is none\n"},
		"and comes back":                   {[]relaytest.Session{relaytest.Send(gone, relaytest.Between("web", "carts", 8080)), relaytest.Send(nil, relaytest.Between("web", "carts", 8080), relaytest.Between("web", "carts", 8081))}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, tc.sessions...)
			if !tc.trusted {
				r.trust = r.trust[2:] // without the authority
			}
			code, out := r.run(t, append(r.trust, "generate", r.file("app.yaml"), "-o", "kustomize", "--to", r.file("policies"))...)
			_, err := os.Stat(r.file("policies"))
			if tc.want == "" {
				if code != ExitClean || err != nil || !strings.Contains(out, "warning: relay RELAY: the connection broke (rpc error: code = Unavailable desc = the relay is going away) and was made again; flows from 2026-11-02T12:") || !strings.Contains(out, "note: 2 flows, ") {
					t.Errorf("exit %d, %v: %s", code, err, out)
				}
				return
			}
			if code != ExitFault || !os.IsNotExist(err) || !strings.Contains(out, tc.want) {
				t.Errorf("exit %d, %v: %s", code, err, out)
			}
		})
	}
}

// TestWhatARelayDoesNotHaveIsTold: lost events, and nodes that it does not reach.
func TestWhatARelayDoesNotHaveIsTold(t *testing.T) {
	t.Parallel()
	r := newRelay(t, relaytest.Send(nil, relaytest.Between("web", "carts", 8080), relaytest.Lost(1), relaytest.Unreached("n2", "no route")))
	code, out := r.run(t, append(r.trust, "generate", r.file("app.yaml"), "--to", r.file("policies.yaml"))...)
	if code != ExitClean || !strings.Contains(out, "warning: relay RELAY: flows of node n2 are missing: no route\n") || !strings.Contains(out, "warning: the recorder lost 1 event\n") {
		t.Errorf("exit %d: %s", code, out)
	}
}
