// SPDX-License-Identifier: Apache-2.0

package front

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// frameHead is the head of a frame of HTTP/2 (RFC 9113, section 4.1).
type frameHead struct {
	length int
	kind   byte
	flags  byte
}

// Kinds of frames and flags that matter here (RFC 9113, section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	framePriority     = 0x2
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameWindow       = 0x8
	frameContinuation = 0x9

	flagEndHeaders = 0x4
	flagPadded     = 0x8
)

// frameWalk goes from frame to frame, in whatever pieces they come.
type frameWalk struct {
	head [9]byte
	have int // bytes of it
	left int // bytes of the payload that is passed over
}

// next takes bytes up to the end of a frame's head, which there may not be.
func (w *frameWalk) next(p []byte) (n int, head frameHead, whole bool) {
	n = min(w.left, len(p))
	w.left -= n
	k := copy(w.head[w.have:], p[n:])
	n += k
	if w.have += k; w.have < len(w.head) {
		return n, frameHead{}, false
	}
	w.have = 0
	head = frameHead{length: int(binary.BigEndian.Uint32(w.head[:4]) >> 8), kind: w.head[3], flags: w.head[4]}
	w.left = head.length
	return n, head, true
}

// Bounds of frames that ask for nothing and carry nothing. Each costs the server some
// microseconds, and may make it answer (CVE-2019-9512 to 9518). A client may send some
// whenever it likes, some more with every request, and as many as it takes to receive what
// it gets: clients of Go send two for every 4 KiB, and those of gRPC a PING for every message.
const (
	calmBurst      = 1000
	calmPerSecond  = 100
	calmPerRequest = 16 // and for each frame that it gets of a response
	calmPerBytes   = 1 << 10
	calmMost       = 1 << 16 // that is earned by responses and not spent
)

// Frames bounds what a client sends over a connection of HTTP/2 beside requests and bodies,
// and in how many pieces the head of a request comes. It judges nothing else: the server
// behind it does. One goroutine at a time may use Feed, another one Sent.
type Frames struct {
	in, out  frameWalk
	most     int // frames of a block of header lines
	block    int // frames of the one that has begun; 0: none has
	credit   int // frames that may still come
	earned   atomic.Int64
	refilled time.Time
	now      func() time.Time
}

// NewFrames bounds a connection from the first frame on. Clients fill the frames of a head,
// which have 16 KiB each; a thousand bytes are enough not to be a flood (CVE-2024-27316).
func NewFrames(limits Limits) *Frames {
	return &Frames{most: 8 + limits.Head>>10, credit: calmBurst, refilled: time.Now(), now: time.Now}
}

// Feed takes what a client sends, and returns how much may be passed on: all, unless there
// is a fault.
func (f *Frames) Feed(p []byte) (n int, fault Fault) {
	for n < len(p) {
		k, head, whole := f.in.next(p[n:])
		n += k
		if !whole {
			break
		}
		if fault := f.judge(head); fault != "" {
			return max(0, n-len(f.in.head)), fault
		}
	}
	return n, ""
}

// Sent is told what the server sends.
func (f *Frames) Sent(p []byte) {
	for n := 0; n < len(p); {
		k, head, whole := f.out.next(p[n:])
		n += k
		if whole && (head.kind == frameData || head.kind == frameHeaders) {
			if f.earned.Add(int64(calmPerRequest+head.length/calmPerBytes)) > calmMost {
				f.earned.Store(calmMost)
			}
		}
	}
}

func (f *Frames) judge(head frameHead) Fault {
	switch head.kind {
	case frameHeaders:
		f.credit = min(f.credit+calmPerRequest, max(f.credit, calmBurst))
		f.block = 1
	case frameContinuation:
		if f.block++; f.block > f.most {
			return ContinuationFlood
		}
	case frameData:
		if head.length > 256 || head.length > 0 && head.flags&flagPadded == 0 {
			return "" // more than padding
		}
		return f.spend(head.kind)
	default:
		return f.spend(head.kind)
	}
	if head.flags&flagEndHeaders != 0 {
		f.block = 0
	}
	return ""
}

// spend takes a frame from what may come. The clock is looked at when there is none left.
func (f *Frames) spend(kind byte) Fault {
	if f.credit--; f.credit >= 0 {
		return ""
	}
	now := f.now()
	f.credit += int(f.earned.Swap(0)) + int(min(calmBurst, now.Sub(f.refilled)*calmPerSecond/time.Second))
	f.refilled = now
	if f.credit >= 0 {
		return ""
	}
	if named, has := floods[kind]; has {
		return named
	}
	return FrameFlood
}

var floods = map[byte]Fault{
	frameData: DataFlood, framePriority: PriorityFlood, frameReset: ResetFlood,
	frameSettings: SettingsFlood, framePing: PingFlood, frameWindow: WindowFlood,
}
