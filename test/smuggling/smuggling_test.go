// SPDX-License-Identifier: Apache-2.0

// Package smuggling asks the gateway what attackers ask of it, byte by byte, in front
// of real servers: net/http, Node, nginx and HAProxy. Whatever is sent, all who have
// seen a request must agree where it ends and what it asks for: the decision log of the
// gateway, the bytes on the way to the backend as RFC 9112 reads them, the backend
// itself, and the client to which an answer comes back.
//
// Nothing is expected of a single stream. The invariants are judged for all of them by
// (*run).judge, which finds requests by their id and streams by the address of their
// client: each has one of its own out of 127.0.0.0/8.
//
// Everything random comes from one seed, which the test prints; GATEHOUSE_SEED chooses
// another, and "random" one from the clock. GATEHOUSE_STREAMS is how many streams are
// made by mutation for each backend.
package smuggling

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

const (
	seedVariable    = "GATEHOUSE_SEED"
	defaultSeed     = 20261122
	streamsVariable = "GATEHOUSE_STREAMS"
	defaultStreams  = 5000
	shortStreams    = 300
)

// between is how many streams there are from one that must be served to the next.
const between = 10

// TestNobodyDisagreesAboutARequest sends the table to each backend.
func TestNobodyDisagreesAboutARequest(t *testing.T) {
	table := table()
	if len(table) < 150 {
		t.Fatalf("the table has %d streams, and is to have 150", len(table))
	}
	ofHTTP2 := framed()
	if len(ofHTTP2) == 0 {
		t.Fatal("there are no streams of HTTP/2")
	}
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			ask(t, b.start, withOrdinary(slices.Concat(table, ofHTTP2)))
		})
	}
}

// TestNobodyDisagreesAboutMutations sends what is made of the table by chance.
func TestNobodyDisagreesAboutMutations(t *testing.T) {
	seed, count := seedOf(t), countOf(t)
	t.Logf("%s=%d %s=%d", seedVariable, seed, streamsVariable, count)
	const batch = 1000
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			made := mutations(newRand(seed), table(), count)
			for part := range slices.Chunk(made, batch) {
				ask(t, b.start, withOrdinary(part))
				if t.Failed() {
					return // one batch says enough
				}
			}
		})
	}
}

// withOrdinary puts requests that must be served between streams: whoever gets
// another's answer is one of them.
func withOrdinary(list []stream) []stream {
	out := make([]stream, 0, len(list)+len(list)/between+1)
	for i, s := range list {
		if i%between == 0 {
			out = append(out, ordinary(i))
		}
		out = append(out, s)
	}
	return append(out, ordinary(len(list)))
}

func ordinary(i int) stream {
	body := fmt.Sprintf("body of %d", i)
	return stream{name: fmt.Sprintf("ordinary/%d", i), must: 3, bytes: fmt.Sprintf("GET /ordinary/%d?x HTTP/1.1\r\nHost: shop\r\n\r\n", i) +
		fmt.Sprintf("POST /ordinary/%d HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body) +
		fmt.Sprintf("PUT /ordinary/%d HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", i, len(body), body)}
}

func newRand(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0))
}

func seedOf(t *testing.T) uint64 {
	t.Helper()
	switch chosen := os.Getenv(seedVariable); chosen {
	case "":
		return defaultSeed
	case "random":
		return uint64(time.Now().UnixNano())
	default:
		n, err := strconv.ParseUint(chosen, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
		return n
	}
}

func countOf(t *testing.T) int {
	t.Helper()
	chosen := os.Getenv(streamsVariable)
	switch {
	case chosen == "" && testing.Short():
		return shortStreams
	case chosen == "":
		return defaultStreams
	}
	n, err := strconv.Atoi(chosen)
	if err != nil || n <= 0 {
		t.Fatalf("%s=%s is no number of streams", streamsVariable, chosen)
	}
	return n
}
