// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("hush", 8)
	o := Options{Inline: []byte(`{"kty":"oct","kid":"a","k":"` + b64([]byte(secret)) + `"}`)}
	s := mustOpen(t, o)
	keys, err := s.Find(t.Context(), "a", "HS256")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{o, &o, s, keys[0], keys, map[string]*Set{"a": s}, struct{ O Options }{o}} {
			text := fmt.Sprintf(verb, v)
			for _, part := range []string{secret[:8], b64([]byte(secret))[:8], fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%X", secret[:8]), "104 117 115 104", "0x68, 0x75"} {
				if strings.Contains(text, part) {
					t.Errorf("%s of %T prints the key: %s", verb, v, text)
				}
			}
		}
	}
}
