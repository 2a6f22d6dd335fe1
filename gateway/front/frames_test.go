// SPDX-License-Identifier: Apache-2.0

package front

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// frames are so many of a kind, as bytes.
func frames(count int, kind http2.FrameType, flags http2.Flags, payload ...byte) []byte {
	var out bytes.Buffer
	f := http2.NewFramer(&out, nil)
	f.AllowIllegalWrites = true
	for range count {
		_ = f.WriteRawFrame(kind, flags, 1, payload) // to memory
	}
	return out.Bytes()
}

const frameSize = 9

func TestFramesThatCostNothingAreBounded(t *testing.T) {
	t.Parallel()
	const most = 8 + DefaultHead>>10
	var eight, four [8]byte
	ask, data := frames(1, http2.FrameHeaders, http2.FlagHeadersEndHeaders, 0x82), frames(1, http2.FrameData, 0, 'x')
	for name, tc := range map[string]struct {
		want   Fault // of one more
		before []byte
		frame  []byte
		fit    int
	}{
		"PING":                     {PingFlood, nil, frames(1, http2.FramePing, 0, eight[:]...), calmBurst},
		"SETTINGS":                 {SettingsFlood, nil, frames(1, http2.FrameSettings, 0), calmBurst},
		"PRIORITY":                 {PriorityFlood, nil, frames(1, http2.FramePriority, 0, 0, 0, 0, 3, 1), calmBurst},
		"RST_STREAM":               {ResetFlood, nil, frames(1, http2.FrameRSTStream, 0, four[:4]...), calmBurst},
		"WINDOW_UPDATE":            {WindowFlood, nil, frames(1, http2.FrameWindowUpdate, 0, 0, 0, 0, 1), calmBurst},
		"DATA of nothing":          {DataFlood, nil, frames(1, http2.FrameData, 0), calmBurst},
		"DATA of padding":          {DataFlood, nil, frames(1, http2.FrameData, http2.FlagDataPadded, 1, 0), calmBurst},
		"GOAWAY":                   {FrameFlood, nil, frames(1, http2.FrameGoAway, 0, eight[:]...), calmBurst},
		"an unknown kind":          {FrameFlood, nil, frames(1, 0xfa, 0), calmBurst},
		"requests earn no more":    {PingFlood, bytes.Repeat(ask, 5000), frames(1, http2.FramePing, 0, eight[:]...), calmBurst},
		"bodies earn nothing":      {PingFlood, bytes.Repeat(data, 5000), frames(1, http2.FramePing, 0, eight[:]...), calmBurst},
		"CONTINUATION of nothing":  {ContinuationFlood, frames(1, http2.FrameHeaders, 0, 0x82), frames(1, http2.FrameContinuation, 0), most - 1},
		"CONTINUATION of one byte": {ContinuationFlood, bytes.Repeat(frames(1, http2.FrameHeaders, 0, 0x82), 2), frames(1, http2.FrameContinuation, 0, 0x84), most - 1},
		"requests":                 {"", nil, ask, 1 << 16},
		"bodies":                   {"", nil, data, 1 << 16},
		"padded bodies":            {"", nil, frames(1, http2.FrameData, http2.FlagDataPadded, make([]byte, 257)...), 1 << 16},
		"requests with resets":     {"", nil, append(bytes.Clone(ask), bytes.Repeat(frames(1, http2.FrameRSTStream, 0, four[:4]...), calmPerRequest)...), 5000},
		"requests in pieces": {"", nil, append(frames(1, http2.FrameHeaders, 0, 0x82), append(bytes.Repeat(frames(1, http2.FrameContinuation, 0), most-2),
			frames(1, http2.FrameContinuation, http2.FlagContinuationEndHeaders)...)...), 100},
	} {
		for _, piece := range []int{1, 5, frameSize, 1 << 20} {
			began := time.Now()
			f := NewFrames(Limits{Head: DefaultHead})
			f.now, f.refilled = func() time.Time { return began }, began
			stream := append(bytes.Clone(tc.before), bytes.Repeat(tc.frame, tc.fit)...)
			if n, fault := pieces(f, stream, piece); n != len(stream) || fault != "" {
				t.Errorf("%s, in pieces of %d: %q after %d of %d bytes", name, piece, fault, n, len(stream))
				continue
			}
			if n, fault := pieces(f, tc.frame, piece); fault != tc.want || fault != "" && n >= frameSize {
				t.Errorf("%s, one more in pieces of %d: %q after %d bytes, want %q", name, piece, fault, n, tc.want)
			}
		}
	}
}

// pieces feeds until there is a fault.
func pieces(f *Frames, stream []byte, piece int) (n int, fault Fault) {
	for n < len(stream) {
		k, fault := f.Feed(stream[n:min(n+piece, len(stream))])
		n += k
		if fault != "" {
			return n, fault
		}
	}
	return n, ""
}

// TestFramesAreEarned: by time, and by what the server sends.
func TestFramesAreEarned(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := NewFrames(Limits{})
	f.now, f.refilled = func() time.Time { return now }, now
	ping := frames(1, http2.FramePing, 0, make([]byte, 8)...)
	may := func(count int) {
		t.Helper()
		for i := range count {
			if _, fault := f.Feed(ping); fault != "" {
				t.Fatalf("%s after %d of %d", fault, i, count)
			}
		}
	}
	may(calmBurst)
	for _, tc := range []struct {
		waited time.Duration
		sent   []byte
		may    int
	}{
		{time.Second, nil, calmPerSecond},
		{time.Hour, nil, calmBurst},
		{0, frames(3, http2.FrameData, 0, 'x'), 3 * calmPerRequest},
		{0, frames(1, http2.FrameData, 0, make([]byte, 1<<14)...), calmPerRequest + 1<<14/calmPerBytes},
		{time.Second, frames(1, http2.FrameHeaders, 0, 'x'), calmPerSecond + calmPerRequest},
	} {
		now = now.Add(tc.waited)
		for _, b := range tc.sent {
			f.Sent([]byte{b})
		}
		may(tc.may)
	}
	f.Sent(frames(100, http2.FramePing, http2.FlagPingAck, make([]byte, 8)...)) // earn nothing
	if _, fault := f.Feed(ping); fault != PingFlood {
		t.Errorf("got %q, want %q", fault, PingFlood)
	}
}

// FuzzFrames compares with golang.org/x/net/http2: both see the same frames, in whatever
// pieces they come, and what one may come over is not more than is earned.
func FuzzFrames(f *testing.F) {
	f.Add(append(frames(3, http2.FramePing, 0, make([]byte, 8)...), frames(2, http2.FrameHeaders, http2.FlagHeadersEndHeaders, 0x82)...), uint8(3))
	f.Add(bytes.Repeat(frames(1, http2.FrameContinuation, 0), 100), uint8(0))
	f.Add(frames(9, http2.FrameSettings, 0), uint8(200))
	const few = 8 // instead of calmBurst, so that there are floods among small inputs
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		began := time.Now()
		scan := func(piece int) (int, Fault) {
			s := NewFrames(Limits{Head: DefaultHead})
			s.now, s.refilled, s.credit = func() time.Time { return began }, began, few
			return pieces(s, stream, piece)
		}
		whole, want := scan(max(1, len(stream)))
		n, fault := scan(int(piece) + 1)
		if fault != want || n < whole || n-whole >= frameSize {
			t.Fatalf("%q after %d bytes at once, but %q after %d in pieces of %d", want, whole, fault, n, piece+1)
		}
		asked, idle, block, longest := 0, 0, 0, 0
		in := bytes.NewReader(stream[:whole])
		reader := http2.NewFramer(nil, in)
		reader.AllowIllegalReads = true
		reader.SetMaxReadFrameSize(1<<24 - 1)
		for {
			frame, err := reader.ReadFrame()
			if err != nil {
				break // the end, or what that one refuses
			}
			h := frame.Header()
			switch {
			case h.Type == http2.FrameHeaders:
				asked, block = asked+1, 1
			case h.Type == http2.FrameContinuation:
				block++
			case h.Type == http2.FrameData && (h.Length > 256 || h.Length > 0 && !h.Flags.Has(http2.FlagDataPadded)):
			default:
				idle++
			}
			if longest = max(longest, block); (h.Type == http2.FrameHeaders || h.Type == http2.FrameContinuation) && h.Flags.Has(http2.FlagHeadersEndHeaders) {
				block = 0
			}
		}
		if idle > few+asked*calmPerRequest || longest > 8+DefaultHead>>10 {
			t.Fatalf("%d frames with %d requests, %d in a block, passed", idle, asked, longest)
		}
		if want != "" && want != ContinuationFlood && idle < few && in.Len() == 0 {
			t.Fatalf("%q after %d frames", want, idle)
		}
	})
}

func BenchmarkFrames(b *testing.B) {
	stream := append(frames(1, http2.FrameHeaders, http2.FlagHeadersEndHeaders, make([]byte, 60)...), frames(1, http2.FrameWindowUpdate, 0, 0, 0, 0, 1)...)
	f := NewFrames(Limits{Head: DefaultHead})
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := f.Feed(stream); fault != "" {
			b.Fatal(fault)
		}
	}
}
