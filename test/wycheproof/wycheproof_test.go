// SPDX-License-Identifier: Apache-2.0

// Package wycheproof asks the readers of tokens and keys what Project Wycheproof
// asks (github.com/c2sp/wycheproof). It is a module of its own: the vectors are 107
// MB, and need a newer Go than we do.
package wycheproof

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jws"
)

// signatures is where all known differences are.
const signatures = "json_web_signature_test.json"

// stricter are the valid vectors that we refuse, each with the reason.
var stricter = map[string]string{
	signatures + "/346": `the token is of PS384, and the key says "alg": "PS256"`,
	signatures + "/347": `the key says "alg": "ES521", which is no algorithm (RFC 7518, section 3.1: ES512)`,
	signatures + "/350": `the token is of PS384, and the key says "alg": "PS256"`,
	signatures + "/351": `the key says "alg": "ES521", which is no algorithm (RFC 7518, section 3.1: ES512)`,
	signatures + "/372": `"?" is no base64url (RFC 7515, section 2)`,
	signatures + "/373": `"?" is no base64url (RFC 7515, section 2)`,
}

// contradicted are invalid vectors whose every byte is that of a valid one
// (github.com/C2SP/wycheproof/issues/236): nobody can refuse the one and take the
// other.
var contradicted = map[string]string{
	signatures + "/367": signatures + "/357",
	signatures + "/370": signatures + "/357",
}

type file struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment string
		Public  json.RawMessage
		Private json.RawMessage
		Tests   []struct {
			ID      int `json:"tcId"`
			Comment string
			Result  string
			JWS     json.RawMessage
			JWE     json.RawMessage
		}
	}
}

// accepted says whether a token holds by a key or key set.
func accepted(t *testing.T, token string, key []byte) bool {
	t.Helper()
	parsed, err := jws.Parse(token)
	if err != nil {
		return false
	}
	set, err := jwks.Open(jwks.Options{Inline: key})
	if err != nil {
		return false
	}
	defer set.Close()
	keys, err := set.Find(t.Context(), parsed.KeyID, parsed.Algorithm)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(keys, parsed.Verify)
}

func TestVectors(t *testing.T) {
	t.Parallel()
	known, tokens := map[string]bool{}, map[string]string{}
	for _, name := range []string{signatures, "json_web_key_test.json", "json_web_crypto_test.json"} {
		data, err := fs.ReadFile(wycheproof.TestVectors, name)
		if err != nil {
			t.Fatal(err)
		}
		var f file
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		asked, refused, taken, tighter := 0, 0, 0, 0
		for _, g := range f.TestGroups {
			key := []byte(g.Public)
			if key == nil {
				key = g.Private // of a symmetric key, or of encryption
			}
			for _, v := range g.Tests {
				asked++
				at := strings.Join([]string{name, strconv.Itoa(v.ID)}, "/")
				raw, encrypted := v.JWS, v.JWS == nil
				if encrypted {
					raw = v.JWE
				}
				if len(raw) == 0 {
					t.Errorf("%s: neither a JWS nor a JWE", at)
				}
				var token string
				if json.Unmarshal(raw, &token) != nil { // the JSON form
					token = string(raw)
				}
				tokens[at] = token
				switch ok := accepted(t, token, key); {
				case ok && v.Result == "invalid" && contradicted[at] != "" && token == tokens[contradicted[at]]:
					known[at] = true
					t.Logf("%s (%s): invalid, and the same as the valid %s", at, v.Comment, contradicted[at])
				case v.Result == "invalid" && ok, v.Result != "invalid" && v.Result != "valid":
					t.Errorf("%s (%s, %s): %s, accepted: %t", at, g.Comment, v.Comment, v.Result, ok)
				case encrypted && ok: // we decrypt nothing, whatever is right with it
					t.Errorf("%s (%s, %s): an encrypted token is accepted", at, g.Comment, v.Comment)
				case v.Result == "invalid":
					refused++
				case ok:
					taken++
				case encrypted:
					tighter++
				case stricter[at] != "":
					tighter++
					known[at] = true
					t.Logf("%s (%s): valid, and refused: %s", at, v.Comment, stricter[at])
				default:
					t.Errorf("%s (%s, %s): valid, and refused", at, g.Comment, v.Comment)
				}
			}
		}
		if asked == 0 || asked != f.NumberOfTests {
			t.Errorf("%s: %d vectors were asked, the file says %d", name, asked, f.NumberOfTests)
		}
		t.Logf("%s: %d vectors: %d invalid ones refused, %d valid ones taken, %d valid ones refused (encrypted, or stricter)", name, asked, refused, taken, tighter)
	}
	if len(known) != len(stricter)+len(contradicted) {
		t.Errorf("%d of %d known differences were met", len(known), len(stricter)+len(contradicted))
	}
}
