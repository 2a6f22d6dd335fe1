// SPDX-License-Identifier: Apache-2.0

package jsonlines

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const bound = 2 << 20 // twice the buffer, so that both ways of reading are taken

var errOdd = errors.New("is odd")

// collect keeps the lines, long ones by their length; "odd" is a broken one.
func collect(in io.Reader) (got []string, stats Stats, err error) {
	r := Reader{MaxLine: bound}
	err = r.Each(in, func(line []byte) error {
		if string(line) == "odd" {
			return errOdd
		}
		if len(line) > 99 {
			line = fmt.Append(nil, len(line))
		}
		got = append(got, string(line))
		return nil
	})
	return got, r.Stats, err
}

func TestLinesAreReadOneByOne(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", bound)
	for name, tc := range map[string]struct {
		in     string
		want   []string
		broken int
	}{
		"nothing":                             {"", nil, 0},
		"empty lines":                         {"\n \r\n\t\n", nil, 0},
		"a last line without an end":          {"a\r\nb", []string{"a", "b"}, 0},
		"a broken line between others":        {"a\nodd\nb\n", []string{"a", "b"}, 1},
		"a line as long as the buffer":        {"a\n" + long[:buffer] + "\nb", []string{"a", fmt.Sprint(buffer), "b"}, 0},
		"a line as long as the bound":         {long[1:] + "\nb", []string{fmt.Sprint(bound - 1), "b"}, 0},
		"a line beyond the bound":             {"a\n" + long + "bc\nb\n", []string{"a", "b"}, 1},
		"a last line beyond it, without end":  {"a\n" + long + long, []string{"a"}, 1},
		"two lines beyond it, one by another": {long + "x\n" + long + "x\na", []string{"a"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, stats, err := collect(strings.NewReader(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("lines (want -, got +):\n%s", d)
			}
			if stats.Broken != tc.broken || len(stats.Faults) != tc.broken || stats.Lines != len(tc.want)+tc.broken {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestAShortBoundHoldsWithinTheBuffer(t *testing.T) {
	t.Parallel()
	r := Reader{MaxLine: 8}
	var got []string
	if err := r.Each(strings.NewReader("1234567\n123456789\nend"), func(line []byte) error {
		got = append(got, string(line))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"1234567", "end"}, got); d != "" || r.Stats.Broken != 1 || r.Stats.Faults[0].Line != 2 {
		t.Errorf("%s %+v", d, r.Stats)
	}
}

func TestGzipIsReadAlikeAndACutIsAnError(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, "a\nb\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := collect(bytes.NewReader(zipped.Bytes())); err != nil || len(got) != 2 {
		t.Errorf("%v %v", got, err)
	}
	if _, _, err := collect(bytes.NewReader(zipped.Bytes()[:zipped.Len()-4])); err == nil {
		t.Error("what was cut is read without an error")
	}
	if _, _, err := collect(strings.NewReader("\x1f\x8bnot gzip")); err == nil {
		t.Error("what begins like gzip and is not is read without an error")
	}
}

func TestFaultsAreNamedUpToABound(t *testing.T) {
	t.Parallel()
	_, stats, err := collect(strings.NewReader(strings.Repeat("odd\n", MaxFaults+5)))
	if err != nil || stats.Broken != MaxFaults+5 || len(stats.Faults) != MaxFaults {
		t.Fatalf("%v %+v", err, stats)
	}
	if got, want := stats.Faults[1].String(), "line 2: is odd"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func FuzzEach(f *testing.F) {
	f.Add([]byte("a\n\nodd\r\nb"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, stats, err := collect(bytes.NewReader(data))
		if len(got)+stats.Broken != stats.Lines {
			t.Errorf("%d lines and %+v, %v", len(got), stats, err)
		}
	})
}
