// SPDX-License-Identifier: Apache-2.0

package drawing

import "testing"

func TestTextsAreAsWideAsTheyMayBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"": 0, "shop/web": 7*Letter + broad, "AB": 2 * capital, "WW": 2 * broad, "漢字": 2 * ideograph} {
		if got := Width(text); got < want-0.01 || got > want+0.01 {
			t.Errorf("%q: got %.1f, want %.1f", text, got, want)
		}
	}
}

func TestLongTextsKeepTheirEnds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"short": "short", "exactly-12-l": "exactly-12-l", "begins-like-this-and-ends-so": "begin…nds-so"} {
		if got := Shorten(text, 12); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestNotationsQuoteWhatTextsHold(t *testing.T) {
	t.Parallel()
	const text = "a\"b<c>\\#\u202e"
	for name, tc := range map[string]struct{ got, want string }{
		"XML":     {XML(Visible(text)), "a&#34;b&lt;c&gt;\\#\ufffd"},
		"DOT":     {DOT(Visible(text)), "\"a\\\"b<c>\\\\#\ufffd\""},
		"Mermaid": {Mermaid(Visible(text)), "a#quot;b#lt;c#gt;\\#35;\ufffd"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %s, want %s", name, tc.got, tc.want)
		}
	}
}
