// SPDX-License-Identifier: Apache-2.0

package header

import (
	"testing"

	"golang.org/x/net/http/httpguts"
)

// TestBytesAreThoseOfNetHTTP: of each byte the same is said as golang.org/x/net says.
func TestBytesAreThoseOfNetHTTP(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for _, s := range []string{string([]byte{byte(c)}), "a" + string([]byte{byte(c)}) + "b"} {
			if got, want := IsToken(s), httpguts.ValidHeaderFieldName(s); got != want || IsToken([]byte(s)) != want {
				t.Errorf("%q is a token: %v, want %v", s, got, want)
			}
			if got, want := IsValue(s), httpguts.ValidHeaderFieldValue(s); got != want || IsValue([]byte(s)) != want {
				t.Errorf("%q is a value: %v, want %v", s, got, want)
			}
		}
	}
	if IsToken("") || !IsValue("") {
		t.Error("nothing is a value, and no token")
	}
}

func TestTokensAreFoundInLists(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		values []string
		want   bool
	}{
		"alone":            {[]string{"close"}, true},
		"in any case":      {[]string{"Close"}, true},
		"among others":     {[]string{"keep-alive,\tclose , x"}, true},
		"in another line":  {[]string{"x", "close"}, true},
		"a part of one":    {[]string{"closed, a close"}, false},
		"in other letters": {[]string{"cloſe"}, false}, // which is an s to Unicode
		"no line":          {nil, false},
	} {
		if got := Has(tc.values, "close"); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
