// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
)

// Bound is the memory that all handlers of a process share. Common bodies and
// large ones have rooms of their own, so that whoever fills one leaves the other
// free.
type Bound struct{ common, large *room }

// NewBound returns the bound of a process: 167 MiB at most, of the 512 MiB that
// the manifests give it. Seven of the largest bodies arrive at once, of which one
// has its turn, and four are judged at once.
func NewBound() *Bound {
	return &Bound{common: newRoom(16<<20, 32<<20), large: newRoom(48<<20, 64<<20)}
}

// of is the room for a body of a length; -1 is one that does not say.
func (b *Bound) of(length int64) *room {
	if length >= 0 && length <= commonBody {
		return b.common
	}
	return b.large
}

// commonBody is the largest body that is read into a buffer that is used again.
// A typical review has 2 to 8 KiB, one of a large pod 30.
const commonBody = firstRead * growth * growth

// patience is how long a body waits for room.
const patience = time.Second

// errNoRoom says that nobody made room in time.
var errNoRoom = errors.New("too many reviews at once")

// room is the memory for bodies of one size, and for what they become when they
// are decoded. Nobody waits for the memory of bodies: senders who each hold a
// part and wait for the rest would wait for each other. Who finds none takes a
// turn instead. One body at a time has it and needs no room.
type room struct {
	bodies  *semaphore.Weighted
	turn    *semaphore.Weighted
	decoded *semaphore.Weighted
	size    int64 // of decoded
}

func newRoom(bodies, decoded int64) *room {
	return &room{semaphore.NewWeighted(bodies), semaphore.NewWeighted(1), semaphore.NewWeighted(decoded), decoded}
}

// lease is what one request holds of a room. It is released as a whole.
type lease struct {
	room    *room
	body    int64
	decoded int64
	turn    bool
}

// grow takes room for more bytes of the body.
func (l *lease) grow(ctx context.Context, n int64) error {
	switch {
	case l.turn:
		return nil
	case l.room.bodies.TryAcquire(n):
		l.body += n
		return nil
	}
	if err := wait(ctx, l.room.turn, 1); err != nil {
		return err
	}
	l.turn = true
	return nil
}

// decode takes room for what a whole body becomes. Those who hold it only
// compute, so it is free again soon.
func (l *lease) decode(ctx context.Context, body []byte) error {
	n := min(weightOf(body), l.room.size)
	if !l.room.decoded.TryAcquire(n) {
		if err := wait(ctx, l.room.decoded, n); err != nil {
			return err
		}
	}
	l.decoded = n
	return nil
}

func (l *lease) release() {
	l.room.bodies.Release(l.body)
	l.room.decoded.Release(l.decoded)
	if l.turn {
		l.room.turn.Release(1)
	}
}

func wait(ctx context.Context, s *semaphore.Weighted, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if s.Acquire(ctx, n) != nil {
		return errNoRoom
	}
	return nil
}

// What a body becomes once it is decoded, both objects together: strings keep
// their bytes; an object becomes a struct, of which the largest in a list (a
// container) has a kilobyte, or a map; any other entry is an element of a slice
// or a pair of a map.
const (
	perByte   = 2
	perObject = 1 << 10
	perEntry  = 64
)

// weightOf estimates the bytes that a body takes once it is decoded.
func weightOf(body []byte) int64 {
	return int64(perByte*len(body) + perObject*bytes.Count(body, []byte("{")) + perEntry*bytes.Count(body, []byte(",")))
}
