// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
)

// Server is an http.Server of a Hub, which speaks TLS 1.3 only and has bounds for what is
// sent, and for connections. Who serves it says where.
func (h *Hub) Server(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, h)
	return &http.Server{
		Handler: mux, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certificate, NextProtos: []string{"http/1.1"}},
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, IdleTimeout: time.Minute,
		WriteTimeout: h.options.Wait + time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(faults{h.options.Log}, "", 0), ConnState: h.crowd.state, ConnContext: with,
	}
}

// faults are what net/http says of connections, which is of interest to who looks for it.
type faults struct{ log logr.Logger }

func (f faults) Write(line []byte) (int, error) {
	f.log.V(1).Info("handing over", "fault", strings.TrimSpace(string(line)))
	return len(line), nil
}

// ServeHTTP answers a Follower: 200 with a text that it has not said to serve or to have
// refused, 204 if there is none for a while, with the sum of what is offered unless that
// has just changed, 401 to a token that is nobody's, 404 to an
// account for which there is nothing, 429 and 503 for it to ask later.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	who, status := h.identify(r)
	if status != http.StatusOK {
		dismiss(w, status)
		return
	}
	h.crowd.welcome(r.Context(), who)
	var said report
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReport))
	if err := in.Decode(&said); err != nil || len(said.Fault) > maxFault {
		dismiss(w, http.StatusBadRequest)
		return
	}
	if _, err := io.Copy(io.Discard, in.Buffered()); err != nil {
		return // the client is gone
	}
	o, text, sum, changed, busy := h.begin(who, &said)
	switch {
	case o == nil:
		dismiss(w, http.StatusNotFound)
		return
	case busy:
		dismiss(w, http.StatusTooManyRequests)
		return
	}
	defer h.end(o, who)
	if sum == said.Live || sum == said.Refused {
		wait := time.NewTimer(h.options.Wait)
		defer wait.Stop()
		select {
		case <-r.Context().Done():
			return
		case <-wait.C:
			select {
			case <-changed: // just now
			default:
				w.Header().Set(sumHeader, sum)
			}
			w.WriteHeader(http.StatusNoContent)
			return
		case <-changed:
			w.WriteHeader(http.StatusNoContent) // it asks again at once, and tries nothing before
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set(sumHeader, sum)
	_, _ = w.Write(text) // who has not read it asks again
}

// dismiss refuses, and ends the connection: there are few, and who is refused keeps none.
func dismiss(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
}

// identify says who asks, and the status of who may not.
func (h *Hub) identify(r *http.Request) (Identity, int) {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !is || token == "" {
		return Identity{}, http.StatusUnauthorized
	}
	if h.options.Claimed != nil {
		account, err := h.options.Claimed(token)
		if err != nil {
			h.refuse(r, err)
			return Identity{}, http.StatusUnauthorized
		}
		if !h.offered(account) {
			return Identity{}, http.StatusNotFound
		}
	}
	who, err := h.options.Identify(r.Context(), addressOf(r.RemoteAddr), token)
	switch {
	case errors.Is(err, ErrUnknown):
		h.refuse(r, err)
		return Identity{}, http.StatusUnauthorized
	case err != nil:
		h.refuse(r, err)
		return Identity{}, http.StatusServiceUnavailable
	case who.Account == "" || who.Replica == "":
		return Identity{}, http.StatusUnauthorized
	}
	return who, http.StatusOK
}

// refuse says once in a while why somebody is told nothing.
func (h *Hub) refuse(r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // he is gone
	}
	now := time.Now()
	switch {
	case errors.Is(err, ErrUnknown):
		if more, is := h.unknown.say(now); is {
			h.options.Log.Info("refused who asked for a snapshot", "from", r.RemoteAddr, "reason", err.Error(), "moreSinceTheLastTime", more)
		}
	case errors.Is(err, ErrBusy):
		if more, is := h.busy.say(now); is {
			h.options.Log.Info("who asks for a snapshot has to ask again", "from", r.RemoteAddr, "reason", err.Error(), "moreSinceTheLastTime", more)
		}
	default:
		if more, is := h.unclear.say(now); is {
			h.options.Log.Error(err, "find out who asks for a snapshot", "from", r.RemoteAddr, "moreSinceTheLastTime", more)
		}
	}
}
