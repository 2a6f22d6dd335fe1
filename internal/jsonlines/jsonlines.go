// SPDX-License-Identifier: Apache-2.0

// Package jsonlines reads a recording line by line, plain or gzip, with bounded
// memory. What a line means is the caller's; a line that means nothing is
// counted and named, and the next one is read. The audit log and recorded flows
// are read through it.
package jsonlines

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// MaxFaults is how many broken lines are named; the others are counted.
const MaxFaults = 20

// Stats say what was read.
type Stats struct {
	Lines  int   // that hold something
	Broken int   // of them, those that could not be read
	Bytes  int64 // after decompression
	Faults []Fault
}

// Fault is a line that could not be read.
type Fault struct {
	Line int // 1-based
	Err  error
}

// String returns "line 7: " and the reason.
func (f Fault) String() string { return fmt.Sprintf("line %d: %v", f.Line, f.Err) }

// add counts a fault and keeps the first ones.
func (s *Stats) add(line int, err error) {
	s.Broken++
	if len(s.Faults) < MaxFaults {
		s.Faults = append(s.Faults, Fault{line, err})
	}
}

// Reader reads lines; memory does not grow with their number. Stats add up over
// several inputs.
type Reader struct {
	Stats Stats

	// MaxLine bounds one line, in bytes. A longer one is broken.
	MaxLine int

	// Read, when set, is called now and then with the bytes read so far.
	Read func(bytes int64)
}

// buffer holds whole lines of the usual length, so that few are copied.
const buffer = 1 << 20

// Each calls visit for every line that holds something, without the white space
// around it; the bytes are valid until visit returns. An error of visit makes
// the line a broken one. An input that cannot be read is an error.
func (r *Reader) Each(in io.Reader, visit func(line []byte) error) error {
	buffered := bufio.NewReaderSize(in, buffer)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
		buffered = bufio.NewReaderSize(unzipped, buffer)
	}
	var long []byte // a line that did not fit the buffer
	for number := 1; ; number++ {
		line, err := r.next(buffered, &long)
		ended := errors.Is(err, io.EOF) // behind the line, if there is one
		r.Stats.Bytes += int64(len(line))
		switch {
		case errors.Is(err, errTooLong):
			r.Stats.Lines++
			r.Stats.add(number, fmt.Errorf("%w than %d KiB", err, r.MaxLine>>10))
			continue
		case err != nil && !ended:
			return fmt.Errorf("read line %d: %w", number, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			r.Stats.Lines++
			if err := visit(text); err != nil {
				r.Stats.add(number, err)
			}
		}
		if r.Read != nil && number%1000 == 0 {
			r.Read(r.Stats.Bytes)
		}
		if ended {
			return nil
		}
	}
}

var errTooLong = errors.New("is longer")

// next returns the next line, valid until the next call. A line beyond the
// bound is passed over as a whole.
func (r *Reader) next(in *bufio.Reader, long *[]byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if len(line) > r.MaxLine && (err == nil || errors.Is(err, io.EOF)) {
			return nil, errTooLong
		}
		return line, err
	}
	*long = append((*long)[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		if len(*long) <= r.MaxLine {
			*long = append(*long, line...)
		}
	}
	if len(*long) > r.MaxLine {
		*long = nil
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errTooLong
	}
	return *long, err
}
