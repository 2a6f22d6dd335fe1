// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// population are the tokens of a load, which comes with one after the other.
type population struct {
	algorithm string // RS256, ES256
	live      int    // different ones
	forged    bool   // their signatures do not hold
	once      bool   // none is sent twice to the same contestant
}

// What tokens say and contestants ask for.
const (
	issuer   = "https://idp.example.com/"
	audience = "shop"
	scope    = "orders.read"
)

// files of a population, in a folder of its own: keys.json, public.pem, and tokens, one
// to a line.
func (p *population) files(folder string) error {
	private, public, err := p.key()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k", Algorithm: p.algorithm, Use: "sig"}}})
	if err != nil {
		return err
	}
	tokens, err := p.mint(private)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"keys.json": set, "public.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "tokens": tokens, "load.lua": []byte(fmt.Sprintf(script, filepath.Join(folder, "tokens")))} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (p *population) key() (private crypto.Signer, public crypto.PublicKey, err error) {
	if p.algorithm == "RS256" {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return nil, nil, err
	}
	return private, private.Public(), nil
}

// mint makes the tokens.
func (p *population) mint(private crypto.Signer) ([]byte, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(p.algorithm), Key: private}, (&jose.SignerOptions{}).WithHeader("kid", "k").WithType("JWT"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	now := time.Now()
	for n := range p.live {
		text, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": issuer, "aud": audience, "sub": "user-" + strconv.Itoa(n), "scope": "openid " + scope, "exp": now.Add(24 * time.Hour).Unix(), "iat": now.Unix(), "email": "user@example.com",
		}).Serialize()
		if err != nil {
			return nil, err
		}
		if p.forged {
			text = forged(text)
		}
		out.WriteString(text + "\n")
	}
	return out.Bytes(), nil
}

// forged changes a letter in the middle of the signature.
func forged(token string) string {
	b := []byte(token)
	at := len(b) - 20
	if b[at] = 'A'; token[at] == 'A' {
		b[at] = 'B'
	}
	return string(b)
}

// first is the first token of a population.
func first(folder string) (string, error) {
	f, err := os.Open(filepath.Join(folder, "tokens"))
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	if !lines.Scan() {
		return "", fmt.Errorf("there is no token: %w", lines.Err())
	}
	return lines.Text(), nil
}

// script has wrk send one token after the other, from the place on that is its argument.
// The requests are made before.
const script = `local made = {}
local next = 0
function init(args)
  next = tonumber(args[#args])
  for line in io.lines(%q) do
    made[#made + 1] = wrk.format("GET", "/", { ["Authorization"] = "Bearer " .. line })
  end
end
function request()
  next = next %% #made + 1
  return made[next]
end
`
