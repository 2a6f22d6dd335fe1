// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for name, tc := range map[string]struct {
		text string
		want map[string]any
		err  error
	}{
		"every kind of value":        {` {"a":null,"b":[true,false,"x",-1.50e+2,[]],"c":{"d":{}}} `, map[string]any{"a": nil, "b": []any{true, false, "x", json.Number("-1.50e+2"), []any{}}, "c": map[string]any{"d": map[string]any{}}}, nil},
		"escapes":                    {`{"\u0061":"\u00e4\ud83d\ude00\n"}`, map[string]any{"a": "ä😀\n"}, nil},
		"names that differ by case":  {`{"a":1,"A":2}`, map[string]any{"a": json.Number("1"), "A": json.Number("2")}, nil},
		"a member twice":             {`{"a":1,"a":1}`, nil, ErrSyntax},
		"a member twice, escaped":    {`{"a":1,"\u0061":1}`, nil, ErrSyntax},
		"a member twice, below":      {`{"b":[{"a":1,"a":1}]}`, nil, ErrSyntax},
		"not UTF-8":                  {"{\"a\":\"\xff\"}", nil, ErrSyntax},
		"half a surrogate":           {`{"a":"\ud800"}`, nil, ErrSyntax},
		"a control character":        {"{\"a\":\"\x01\"}", nil, ErrSyntax},
		"a list":                     {`[{"a":1}]`, nil, ErrObject},
		"a text":                     {`"a"`, nil, ErrObject},
		"null":                       {`null`, nil, ErrObject},
		"nothing":                    {``, nil, ErrSyntax},
		"white space":                {` `, nil, ErrSyntax},
		"cut off":                    {`{"a":1`, nil, ErrSyntax},
		"cut off in a list":          {`{"a":[1`, nil, ErrSyntax},
		"a comma too many":           {`{"a":1,}`, nil, ErrSyntax},
		"another object behind it":   {`{"a":1}{"b":1}`, nil, ErrSyntax},
		"a byte behind it":           {"{}\x00", nil, ErrSyntax},
		"a name that is a number":    {`{1:1}`, nil, ErrSyntax},
		"a number with leading zero": {`{"a":01}`, nil, ErrSyntax},
		"NaN":                        {`{"a":NaN}`, nil, ErrSyntax},
		"a comment":                  {`{"a":1/**/}`, nil, ErrSyntax},
		"a byte order mark":          {"\ufeff{}", nil, ErrSyntax},
		"as deep as is allowed":      {deep(maxDepth), nil, nil},
		"deeper":                     {deep(maxDepth + 1), nil, ErrDepth},
		"much deeper":                {deep(100_000), nil, ErrDepth},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse([]byte(tc.text))
			if !errors.Is(err, tc.err) || (err == nil) != (got != nil) {
				t.Fatalf("got %v, %v", got, err)
			}
			if tc.want != nil {
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// FuzzParse: what is taken is what encoding/json makes of it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":[1,"b",null,true,{"c":1e400}]}`, `{"a":1,"a":2}`, `{"a":"\ud83d\ude00"}`, `[1]`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		got, err := Parse(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the text is changed")
		}
		if err != nil {
			if got != nil {
				t.Fatalf("%v beside %v", got, err)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		var want map[string]any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", data, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", data, diff)
		}
	})
}
