// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/bounded"
)

// FollowOptions are of a Follower.
type FollowOptions struct {
	Address string // of the Hub: host:port
	// CA is a file of the authorities that sign for the Hub, and Token one of the token that
	// says who asks. Both are read anew for each question, since others replace them.
	CA, Token string
	// Keep is a folder for what is served, secrets and all: the next process begins with it
	// when its first question is not answered. "" keeps nothing.
	Keep string
	// Kept is told how many bytes are kept, each time; nil: nobody is.
	Kept func(size int)
	// Apply serves a snapshot, or returns why it cannot: what was served before stays then.
	// Nil is nothing to listen for.
	Apply func(context.Context, *config.Snapshot) error
	Log   logr.Logger
	// Wait is how long the Hub keeps a question at most: 25 s when zero.
	Wait time.Duration
	// Least and Most bound the time between questions that were not answered: 100 ms and
	// 5 s when zero.
	Least, Most time.Duration
}

// Follower has what a Hub offers served.
type Follower struct {
	options FollowOptions
	live    atomic.Bool
	way     way

	// These belong to the goroutine of Run.
	said    report
	refused []byte // the text that Apply has not taken
	away    string // why the Hub cannot be asked; "" when it can
	unkept  keeping
}

// NewFollower makes a Follower. It does nothing before Run.
func NewFollower(o FollowOptions) *Follower {
	o.Wait = cmp.Or(o.Wait, 25*time.Second)
	o.Least, o.Most = cmp.Or(o.Least, 100*time.Millisecond), cmp.Or(o.Most, 5*time.Second)
	return &Follower{options: o, way: way{ca: o.CA}}
}

// Ready tells whether something that was offered is served.
func (f *Follower) Ready() bool { return f.live.Load() }

// Run asks until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	defer f.way.close()
	begun := false
	for pause := f.options.Least; ctx.Err() == nil; {
		err := f.ask(ctx)
		if f.tell(ctx, err); err == nil {
			pause, begun = f.options.Least, true
			continue
		}
		if !begun && ctx.Err() == nil {
			begun = true
			f.begin(ctx)
		}
		// From a half of it to all: replicas that lost one Hub do not come back as one.
		wait := time.NewTimer(pause/2 + rand.N(pause/2+1)) //nolint:gosec // nothing depends on it being a secret
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		pause = min(2*pause, f.options.Most)
	}
}

// begin serves what the process before this one has kept.
func (f *Follower) begin(ctx context.Context) {
	text, err := kept(f.options.Keep)
	if err == nil && text != nil {
		err = f.serve(ctx, text)
	}
	if err != nil {
		f.options.Log.Error(err, "what was kept is not served", "folder", f.options.Keep)
		f.said, f.refused = report{}, nil // the Hub may have something else by now
	}
}

// tell logs the first question that was not answered, and the first that was after it.
func (f *Follower) tell(ctx context.Context, err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	switch before := f.away; {
	case ctx.Err() != nil:
		return
	case now != "" && now != before:
		f.options.Log.Error(err, "what is to be served is not known, what was served stays", "from", f.options.Address)
	case now == "" && before != "":
		f.options.Log.Info("what is to be served is known again", "from", f.options.Address)
	}
	f.away = now
}

// ask asks once, and serves what it is told.
func (f *Follower) ask(ctx context.Context) error {
	// A snapshot of config.MaxFile is read in a minute by 10 Mbit/s.
	ctx, cancel := context.WithTimeout(ctx, f.options.Wait+time.Minute)
	defer cancel()
	res, err := f.post(ctx)
	if err != nil {
		return fmt.Errorf("ask for a snapshot: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	switch res.StatusCode {
	case http.StatusNoContent:
		f.keepAgain()
		f.again(ctx, res.Header.Get(sumHeader))
		return nil
	case http.StatusOK:
	case http.StatusUnauthorized:
		return errors.New("ask for a snapshot: the token is refused")
	case http.StatusNotFound:
		return errors.New("ask for a snapshot: there is none for this account")
	default:
		return fmt.Errorf("ask for a snapshot: status %d", res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, config.MaxFile+1))
	switch {
	case err != nil:
		return fmt.Errorf("read a snapshot: %w", err)
	case len(text) > config.MaxFile:
		return fmt.Errorf("read a snapshot: it has more than %d bytes", config.MaxFile)
	case sumOf(text) != res.Header.Get(sumHeader):
		return errors.New("read a snapshot: it is another one than it says")
	}
	f.refuse(f.serve(ctx, text)) // the Hub is told by the next question
	return nil
}

// again tries what was refused once more, if it is what is offered now: what was in its way
// may be gone. It is forgotten when what is served is offered.
func (f *Follower) again(ctx context.Context, offered string) {
	switch {
	case offered == "" || f.said.Refused == "":
	case offered == f.said.Live:
		f.refused, f.said = nil, report{Live: offered}
	case offered == f.said.Refused:
		f.refuse(f.serve(ctx, f.refused))
	}
}

// post sends the question.
func (f *Follower) post(ctx context.Context) (*http.Response, error) {
	token, err := bounded.ReadFile(f.options.Token, 64<<10)
	if err != nil {
		return nil, err
	}
	client, err := f.way.client()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(f.said)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+f.options.Address+Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Content-Type", "application/json")
	return client.Do(req)
}

// serve has a text served.
func (f *Follower) serve(ctx context.Context, text []byte) error {
	sum := sumOf(text)
	var s *config.Snapshot
	var err error
	if len(text) > 0 {
		s, err = config.Unencode(text)
	}
	if err == nil {
		err = f.options.Apply(context.WithoutCancel(ctx), s)
	}
	if err != nil {
		f.refused, f.said.Refused, f.said.Fault = text, sum, short(err.Error())
		return err
	}
	f.refused, f.said = nil, report{Live: sum}
	f.live.Store(true)
	f.keep(text)
	f.options.Log.Info("configuration applied", "sum", sum)
	return nil
}

// refuse logs what was refused.
func (f *Follower) refuse(err error) {
	if err != nil {
		f.options.Log.Error(err, "configuration refused, the last good one stays", "sum", f.said.Refused)
	}
}

// short is as much of a fault as is told to the Hub.
func short(fault string) string {
	return strings.ToValidUTF8(fault[:min(len(fault), maxFault)], "")
}
