// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// attack is a token and what has to become of it.
type attack struct {
	token   string
	verdict auth.Verdict
	reason  string
	options func(*Options) // other than the ordinary ones
}

// world is what attackers know, and what they have.
type world struct {
	tb      testing.TB
	s       map[string]signer
	other   signer // a key of theirs
	server  string // a host of theirs, which counts its visitors
	visits  *atomic.Int64
	claimed string // ordinary claims
}

func newWorld(tb testing.TB) *world {
	w := &world{tb: tb, s: made(), visits: &atomic.Int64{}, claimed: claims(tb, nil)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	w.other = signer{"theirs", "ES256", key}
	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w.visits.Add(1)
		_, _ = rw.Write(set(w.other.jwk(tb, "")))
	}))
	tb.Cleanup(host.Close)
	w.server = host.URL
	return w
}

func (w *world) keys() *jwks.Set {
	return inline(w.tb, w.s["RS256"].jwk(w.tb, ""), w.s["ES256"].jwk(w.tb, ""), w.s["EdDSA"].jwk(w.tb, ""))
}

func refuse(token, reason string) attack {
	return attack{token: token, verdict: auth.Invalid, reason: reason}
}

func take(token string) attack { return attack{token: token, verdict: auth.Valid} }

// unsigned is a token without a good signature.
func unsigned(header, payload, signature string) string {
	return b64([]byte(header)) + "." + b64([]byte(payload)) + "." + b64([]byte(signature))
}

// algorithms are attacks on section 3.1 and 3.2 of RFC 8725.
func (w *world) algorithms() map[string]attack {
	rs, es, ed := w.s["RS256"], w.s["ES256"], w.s["EdDSA"]
	out := map[string]attack{
		"2.1: an ordinary token of RS256 is taken":                    take(rs.mint(w.tb, rs.header(""), w.claimed)),
		"2.1: an ordinary token of ES256 is taken":                    take(es.mint(w.tb, es.header(""), w.claimed)),
		"2.1: an ordinary token of EdDSA is taken":                    take(ed.mint(w.tb, ed.header(""), w.claimed)),
		"2.1: no algorithm":                                           refuse(rs.mint(w.tb, `{"kid":"rsa"}`, w.claimed), Algorithm),
		"2.1: an algorithm that is no text":                           refuse(rs.mint(w.tb, `{"alg":["RS256"],"kid":"rsa"}`, w.claimed), Malformed),
		"2.1: an algorithm that is null":                              refuse(rs.mint(w.tb, `{"alg":null,"kid":"rsa"}`, w.claimed), Malformed),
		"2.1: an algorithm in lower case":                             refuse(rs.mint(w.tb, `{"alg":"rs256","kid":"rsa"}`, w.claimed), Algorithm),
		"2.1: an algorithm twice":                                     refuse(rs.mint(w.tb, `{"alg":"RS256","alg":"none","kid":"rsa"}`, w.claimed), Malformed),
		"2.1: an algorithm twice, once escaped":                       refuse(rs.mint(w.tb, `{"alg":"RS256","\u0061lg":"none","kid":"rsa"}`, w.claimed), Malformed),
		"2.1: another case of the name is another name":               refuse(rs.mint(w.tb, `{"Alg":"RS256","kid":"rsa"}`, w.claimed), Algorithm),
		"2.1: an algorithm of encryption":                             refuse(unsigned(`{"alg":"RSA-OAEP","enc":"A128GCM"}`, w.claimed, "x"), Algorithm),
		"2.1: a key's algorithm of the same kind of key":              {token: signer{"rsa", "RS384", rs.key}.mint(w.tb, `{"alg":"RS384","kid":"rsa"}`, w.claimed), verdict: auth.Invalid, reason: Algorithm, options: func(o *Options) { o.Algorithms = []string{"RS256"} }},
		"2.1: RS256 where ES256 is allowed":                           {token: rs.mint(w.tb, rs.header(""), w.claimed), verdict: auth.Invalid, reason: Algorithm, options: func(o *Options) { o.Algorithms = []string{"ES256"} }},
		"2.1: PS256 by a key that is published for RS256":             {token: w.s["PS256"].mint(w.tb, w.s["PS256"].header(""), w.claimed), verdict: auth.Invalid, reason: KeyName, options: func(o *Options) { o.Keys = inline(w.tb, rs.jwk(w.tb, `,"alg":"RS256"`)) }},
		"2.1: ES384 named, by a key of P-256":                         refuse(unsigned(`{"alg":"ES384","kid":"ec-ES256"}`, w.claimed, strings.Repeat("x", 96)), KeyName),
		"2.1: the RSA key's name beside ES256":                        refuse(es.mint(w.tb, `{"alg":"ES256","kid":"rsa"}`, w.claimed), KeyName),
		"2.1: a signature cut off":                                    refuse(w.resign(rs, func(sig []byte) []byte { return sig[:255] }), Signature),
		"2.1: a signature of another payload":                         refuse(mix(rs.mint(w.tb, rs.header(""), w.claimed), claims(w.tb, map[string]any{"sub": "root"})), Signature),
		"2.3: ES256 with r and s of zero (CVE-2022-21449)":            refuse(unsigned(es.header(""), w.claimed, strings.Repeat("\x00", 64)), Signature),
		"2.3: ES256 with r and s of the order":                        refuse(unsigned(es.header(""), w.claimed, string(slices.Repeat(elliptic.P256().Params().N.Bytes(), 2))), Signature),
		"2.3: ES256 as ASN.1":                                         refuse(w.der(), Signature),
		"2.3: ES256 with zeros before its numbers":                    refuse(w.padded(), Signature),
		"2.3: ES256 with a zero before its second number":             refuse(w.resign(es, func(sig []byte) []byte { return slices.Concat(sig[:32], []byte{0}, sig[32:]) }), Signature),
		"2.3: PS256 without salt (RFC 7518, section 3.5)":             refuse(w.salted(0), Signature),
		"2.3: PS256 with more salt than the hash":                     refuse(w.salted(33), Signature),
		"2.3: PS256 with as much salt as the hash":                    take(w.salted(32)),
		"2.3: EdDSA with another number for the same (RFC 8032, 8.4)": refuse(w.malleable(), Signature),
		"2.3: RS256 with a signature that is longer":                  refuse(rs.mint(w.tb, rs.header(""), w.claimed)+"AAAA", Signature),
		"2.3: a signature of no bytes":                                refuse(b64([]byte(rs.header("")))+"."+b64([]byte(w.claimed))+".", Malformed),
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "noNe", "nonE", " none", "none ", "none\u0000", "ｎone", ""} {
		for name, signature := range map[string]string{"without a signature": "", "with a signature": "x"} {
			reason := Algorithm
			if signature == "" {
				reason = Malformed
			}
			out[fmt.Sprintf("2.1: alg %q %s", none, name)] = refuse(unsigned(`{"alg":`+quoted(none)+`}`, w.claimed, signature), reason)
		}
	}
	// The public key, in each form that an attacker can find it in, as a secret.
	public := &rs.key.(*rsa.PrivateKey).PublicKey
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		w.tb.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	point, err := es.key.(*ecdsa.PrivateKey).PublicKey.Bytes()
	if err != nil {
		w.tb.Fatal(err)
	}
	for name, secret := range map[string][]byte{
		"the PEM": block, "the PEM without its last line end": block[:len(block)-1], "the DER": der, "PKCS #1": x509.MarshalPKCS1PublicKey(public),
		"the modulus": public.N.Bytes(), "the JWK": []byte(rs.jwk(w.tb, "")), "the JWK Set": set(rs.jwk(w.tb, "")), "the point": point, "nothing": {},
	} {
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			for _, kid := range []string{"rsa", "ec-ES256"} {
				s := signer{kid, alg, secret}
				token := s.mint(w.tb, s.header(""), w.claimed)
				out[fmt.Sprintf("2.1: RS to %s with %s as the secret of %s", alg, name, kid)] = refuse(token, Algorithm)
			}
		}
	}
	return out
}

// mix puts another payload into a token.
func mix(token, payload string) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + b64([]byte(payload)) + "." + parts[2]
}

// resign replaces the signature of a good token.
func (w *world) resign(s signer, change func([]byte) []byte) string {
	input := b64([]byte(s.header(""))) + "." + b64([]byte(w.claimed))
	return input + "." + b64(change(s.sign(w.tb, []byte(input))))
}

func (w *world) der() string {
	return w.resign(w.s["ES256"], func(sig []byte) []byte {
		out, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
		if err != nil {
			w.tb.Fatal(err)
		}
		return out
	})
}

func (w *world) padded() string {
	return w.resign(w.s["ES256"], func(sig []byte) []byte { return slices.Concat([]byte{0}, sig[:32], []byte{0}, sig[32:]) })
}

func (w *world) salted(salt int) string {
	ps := w.s["PS256"]
	input := b64([]byte(ps.header(""))) + "." + b64([]byte(w.claimed))
	digest := sha256.Sum256([]byte(input))
	out, err := rsa.SignPSS(rand.Reader, ps.key.(*rsa.PrivateKey), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
	if err != nil {
		w.tb.Fatal(err)
	}
	return input + "." + b64(out)
}

func (w *world) malleable() string {
	return w.resign(w.s["EdDSA"], func(sig []byte) []byte {
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		s := slices.Clone(sig[32:])
		slices.Reverse(s)
		sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
		slices.Reverse(sum)
		return slices.Concat(sig[:32], sum)
	})
}

// headers are attacks by what a header says.
func (w *world) headers() map[string]attack {
	rs := w.s["RS256"]
	theirs := w.other.jwk(w.tb, "")
	named := signer{"rsa", "ES256", w.other.key}
	out := map[string]attack{
		"3.10: a jwk header is not looked at":                refuse(w.other.mint(w.tb, w.other.header(`,"jwk":`+theirs), w.claimed), KeyName),
		"3.10: a jwk header beside a known name":             refuse(named.mint(w.tb, `{"alg":"ES256","kid":"ec-ES256","jwk":`+theirs+`}`, w.claimed), Signature),
		"3.10: a jwk header in a good token does no harm":    take(rs.mint(w.tb, rs.header(`,"jwk":{"kty":"nonsense"}`), w.claimed)),
		"3.10: a jku header is not followed":                 refuse(w.other.mint(w.tb, w.other.header(`,"jku":"`+w.server+`"`), w.claimed), KeyName),
		"3.10: a jku header in a good token is not followed": take(rs.mint(w.tb, rs.header(`,"jku":"`+w.server+`"`), w.claimed)),
		"3.10: an x5u header is not followed":                refuse(w.other.mint(w.tb, w.other.header(`,"x5u":"`+w.server+`"`), w.claimed), KeyName),
		"3.10: an x5c header is not looked at":               refuse(w.other.mint(w.tb, w.other.header(`,"x5c":["MIIB"]`), w.claimed), KeyName),
		"3.10: an x5c header in a good token does no harm":   take(rs.mint(w.tb, rs.header(`,"x5c":["nonsense"],"x5t":7`), w.claimed)),
		"3.10: a kid of another's key":                       refuse(named.mint(w.tb, `{"alg":"ES256","kid":"ec-ES256"}`, w.claimed), Signature),
		"3.10: no kid, a key of theirs":                      refuse(w.other.mint(w.tb, `{"alg":"ES256"}`, w.claimed), Signature),
		"3.10: no kid, a key of the issuer":                  take(rs.mint(w.tb, `{"alg":"RS256"}`, w.claimed)),
		"3.10: a kid that is null":                           refuse(rs.mint(w.tb, `{"alg":"RS256","kid":null}`, w.claimed), Malformed),
		"3.10: a kid that is a number":                       refuse(rs.mint(w.tb, `{"alg":"RS256","kid":1}`, w.claimed), Malformed),
		"3.10: a kid twice":                                  refuse(rs.mint(w.tb, `{"alg":"RS256","kid":"rsa","kid":"x"}`, w.claimed), Malformed),
		"4.1.11 of RFC 7515: an unknown critical parameter":  refuse(rs.mint(w.tb, rs.header(`,"crit":["exp"],"exp":1`), w.claimed), Critical),
		"4.1.11 of RFC 7515: no critical parameter":          refuse(rs.mint(w.tb, rs.header(`,"crit":[]`), w.claimed), Critical),
		"4.1.11 of RFC 7515: crit that is null":              refuse(rs.mint(w.tb, rs.header(`,"crit":null`), w.claimed), Critical),
		"4.1.11 of RFC 7515: crit that is no list":           refuse(rs.mint(w.tb, rs.header(`,"crit":"b64"`), w.claimed), Critical),
		"RFC 7797: a payload that is not encoded":            refuse(w.unencoded(), Critical),
		"RFC 7797: b64 that is not critical":                 refuse(rs.mint(w.tb, rs.header(`,"b64":false`), w.claimed), Critical),
		"RFC 7797: b64 that changes nothing":                 refuse(rs.mint(w.tb, rs.header(`,"b64":true`), w.claimed), Critical),
		"3.11: a token of no kind":                           take(rs.mint(w.tb, `{"alg":"RS256","kid":"rsa"}`, w.claimed)),
		"3.11: an access token":                              take(rs.mint(w.tb, `{"alg":"RS256","kid":"rsa","typ":"at+jwt"}`, w.claimed)),
		"3.11: an access token by its full name":             take(rs.mint(w.tb, `{"alg":"RS256","kid":"rsa","typ":"application/AT+JWT"}`, w.claimed)),
		"3.11: kinds that are no text":                       refuse(rs.mint(w.tb, `{"alg":"RS256","kid":"rsa","typ":["JWT"]}`, w.claimed), Malformed),
		"3.11: a kind that is empty":                         refuse(rs.mint(w.tb, `{"alg":"RS256","kid":"rsa","typ":""}`, w.claimed), Type),
		"3.11: JWT where access tokens are wanted":           {token: rs.mint(w.tb, rs.header(""), w.claimed), verdict: auth.Invalid, reason: Type, options: func(o *Options) { o.Typ = "at+jwt" }},
		"3.11: no kind where access tokens are wanted":       {token: rs.mint(w.tb, `{"alg":"RS256","kid":"rsa"}`, w.claimed), verdict: auth.Invalid, reason: Type, options: func(o *Options) { o.Typ = "at+jwt" }},
		"3.11: an access token where they are wanted":        {token: rs.mint(w.tb, `{"alg":"RS256","kid":"rsa","typ":"at+jwt"}`, w.claimed), verdict: auth.Valid, options: func(o *Options) { o.Typ = "application/at+jwt" }},
		"2.4: a header that is a list":                       refuse(rs.mint(w.tb, `["RS256"]`, w.claimed), Malformed),
		"2.4: a header that is null":                         refuse(rs.mint(w.tb, `null`, w.claimed), Malformed),
		"2.4: two headers":                                   refuse(rs.mint(w.tb, `{"alg":"RS256"}{"alg":"RS256"}`, w.claimed), Malformed),
		"2.4: a header that is not UTF-8":                    refuse(rs.mint(w.tb, "{\"alg\":\"RS256\",\"x\":\"\xff\"}", w.claimed), Malformed),
		"2.4: a header with half a surrogate":                refuse(rs.mint(w.tb, `{"alg":"RS256","x":"\ud800"}`, w.claimed), Malformed),
		"2.4: a header with a byte order mark":               refuse(rs.mint(w.tb, "\ufeff"+rs.header(""), w.claimed), Malformed),
		"2.4: a header with a comment":                       refuse(rs.mint(w.tb, `{"alg":"RS256"/**/}`, w.claimed), Malformed),
		"2.4: a header that is nested too deeply":            refuse(rs.mint(w.tb, rs.header(`,"x":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), w.claimed), Malformed),
		"2.6: white space between members is JSON":           take(rs.mint(w.tb, "{\r\n \"alg\" : \"RS256\",\t\"kid\":\"rsa\"}", w.claimed)),
	}
	for _, typ := range []string{"dpop+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt", "oauth-authz-req+jwt", "vc+sd-jwt", "JOSE", "application/jwt/at+jwt", "jwt "} {
		out["3.11: a token of kind "+typ] = refuse(rs.mint(w.tb, fmt.Sprintf(`{"alg":"RS256","kid":"rsa","typ":%q}`, typ), w.claimed), Type)
	}
	for _, kid := range []string{"../../../dev/null", "rsa'--", "' UNION SELECT 'x", "rsa\u0000", "RSA", " rsa", "rsa ", "|id", strings.Repeat("k", 8000), "http://127.0.0.1/", "0", "${jndi:ldap://x}", "\u202ersa"} {
		out[fmt.Sprintf("3.10: a kid as %.40q", kid)] = refuse(w.other.mint(w.tb, fmt.Sprintf(`{"alg":"ES256","kid":%s}`, quoted(kid)), w.claimed), KeyName)
	}
	return out
}

func quoted(text string) string {
	return `"` + strings.NewReplacer("\x00", `\u0000`, `"`, `\"`).Replace(text) + `"`
}

// unencoded is a token whose payload another reader takes as it is written.
func (w *world) unencoded() string {
	rs := w.s["RS256"]
	head := b64([]byte(rs.header(`,"b64":false,"crit":["b64"]`)))
	payload := b64([]byte(w.claimed))
	return head + "." + payload + "." + b64(rs.sign(w.tb, []byte(head+"."+w.claimed)))
}

// said are attacks by claims.
func (w *world) said() map[string]attack {
	rs := w.s["RS256"]
	good := func(payload string) string { return rs.mint(w.tb, rs.header(""), payload) }
	with := func(name string, value any) string { return good(claims(w.tb, map[string]any{name: value})) }
	raw := func(members string) string {
		return good(`{"iss":"` + issuer + `","sub":"alice","aud":"shop",` + members + `}`)
	}
	end := noon.Add(time.Hour).Unix()
	out := map[string]attack{
		"2.4: a claim twice":                                 refuse(raw(fmt.Sprintf(`"exp":%d,"sub":"root"`, end)), Malformed),
		"2.4: a claim twice, once escaped":                   refuse(raw(fmt.Sprintf(`"exp":%d,"\u0073ub":"root"`, end)), Malformed),
		"2.4: a member of a claim twice":                     refuse(raw(fmt.Sprintf(`"exp":%d,"roles":{"a":1,"a":2}`, end)), Malformed),
		"2.4: another case of a claim is another claim":      take(raw(fmt.Sprintf(`"exp":%d,"Sub":"root"`, end))),
		"2.4: claims that are not UTF-8":                     refuse(raw(fmt.Sprintf("\"exp\":%d,\"x\":\"\xc3\x28\"", end)), Malformed),
		"2.4: claims that are a list":                        refuse(good(`["iss"]`), Malformed),
		"2.4: no claims":                                     refuse(good(``), Malformed),
		"2.4: something after the claims":                    refuse(good(w.claimed+"x"), Malformed),
		"3.8: no issuer":                                     refuse(with("iss", nil), Malformed),
		"3.8: an issuer that is a list":                      refuse(with("iss", []string{issuer}), Malformed),
		"3.8: another issuer is somebody else's":             {token: with("iss", "https://other.example"), verdict: auth.Absent, reason: OtherIssuer},
		"3.8: the issuer with a slash is another":            {token: with("iss", issuer+"/"), verdict: auth.Absent, reason: OtherIssuer},
		"3.8: the issuer in upper case is another":           {token: with("iss", strings.ToUpper(issuer)), verdict: auth.Absent, reason: OtherIssuer},
		"3.9: no audience":                                   refuse(with("aud", nil), Audience),
		"3.9: another audience":                              refuse(with("aud", "other"), Audience),
		"3.9: ours as a part of another":                     refuse(with("aud", "shop.example"), Audience),
		"3.9: ours and another in one text":                  refuse(with("aud", "shop other"), Audience),
		"3.9: ours among others":                             take(with("aud", []string{"other", audience})),
		"3.9: ours among what is no text":                    refuse(with("aud", []any{audience, 1}), Audience),
		"3.9: no audience in the list":                       refuse(with("aud", []string{}), Audience),
		"3.9: an audience that is an object":                 refuse(with("aud", map[string]any{"shop": true}), Audience),
		"3.9: another audience where any will do":            {token: with("aud", "other"), verdict: auth.Valid, options: func(o *Options) { o.Audiences, o.AnyAudience = nil, IgnoreAudience }},
		"3.8: no subject":                                    refuse(with("sub", nil), Subject),
		"3.8: an empty subject":                              refuse(with("sub", ""), Subject),
		"3.8: a subject that is a number":                    refuse(with("sub", 7), Subject),
		"scopes as a list":                                   take(with("scope", []string{"a", "b"})),
		"scopes that are a number":                           refuse(with("scope", 7), Scopes),
		"scopes among which is a number":                     refuse(with("scope", []any{"a", 1}), Scopes),
		"4.1.4 of RFC 7519: no end":                          refuse(with("exp", nil), BadTime),
		"4.1.4 of RFC 7519: ends now":                        refuse(with("exp", noon.Unix()), Expired),
		"4.1.4 of RFC 7519: ends in a second":                take(with("exp", noon.Unix()+1)),
		"4.1.4 of RFC 7519: has ended by a part of a second": refuse(raw(fmt.Sprintf(`"exp":%d.5`, noon.Unix()-1)), Expired),
		"4.1.4 of RFC 7519: ends in a part of a second":      take(raw(fmt.Sprintf(`"exp":%d.5`, noon.Unix()))),
		"4.1.4 of RFC 7519: has ended, within the skew":      {token: with("exp", noon.Unix()-29), verdict: auth.Valid, options: skewed},
		"4.1.4 of RFC 7519: ended as long ago as the skew":   {token: with("exp", noon.Unix()-30), verdict: auth.Invalid, reason: Expired, options: skewed},
		"4.1.5 of RFC 7519: begins now":                      take(with("nbf", noon.Unix())),
		"4.1.5 of RFC 7519: begins in a second":              refuse(with("nbf", noon.Unix()+1), NotYet),
		"4.1.5 of RFC 7519: begins within the skew":          {token: with("nbf", noon.Unix()+30), verdict: auth.Valid, options: skewed},
		"4.1.5 of RFC 7519: begins after the skew":           {token: with("nbf", noon.Unix()+31), verdict: auth.Invalid, reason: NotYet, options: skewed},
		"4.1.6 of RFC 7519: issued in a second":              refuse(with("iat", noon.Unix()+1), NotYet),
		"4.1.6 of RFC 7519: issued within the skew":          {token: with("iat", noon.Unix()+30), verdict: auth.Valid, options: skewed},
		"4.1.6 of RFC 7519: no moment of issue":              take(with("iat", nil)),
		"no moment of issue where an age is wanted":          {token: with("iat", nil), verdict: auth.Invalid, reason: BadTime, options: aged},
		"as old as is allowed":                               {token: with("iat", noon.Add(-5*time.Minute).Unix()), verdict: auth.Valid, options: aged},
		"older than is allowed":                              {token: with("iat", noon.Add(-5*time.Minute).Unix()-1), verdict: auth.Invalid, reason: TooOld, options: aged},
	}
	for name, number := range map[string]string{
		"1e400": "1e400", "1e1000000000": "1e1000000000", "negative": "-1", "as text": `"1893456000"`, "NaN as text": `"NaN"`, "true": "true", "null": "null", "a list": "[1893456000]",
		"after the year 9999": "253402300800", "2 to 63": "9223372036854775808", "2 to 64 and a time": "18446744075606007616", "of 4000 digits": strings.Repeat("9", 4000), "1e19": "1e19", "Infinity as text": `"Infinity"`,
	} {
		out["NumericDate: exp is "+name] = refuse(raw(`"exp":`+number), BadTime)
		out["NumericDate: nbf is "+name] = refuse(raw(fmt.Sprintf(`"exp":%d,"nbf":%s`, end, number)), BadTime)
		out["NumericDate: iat is "+name] = refuse(raw(fmt.Sprintf(`"exp":%d,"iat":%s`, end, number)), BadTime)
	}
	for name, number := range map[string]string{"a leading zero": "01893456000", "NaN": "NaN", "Infinity": "Infinity", "hexadecimal": "0x7fffffff", "a plus": "+1893456000", "no fraction": "1893456000.", "an empty exponent": "1e"} {
		out["NumericDate: exp is no JSON, "+name] = refuse(raw(`"exp":`+number), Malformed)
	}
	for name, number := range map[string]string{"with an exponent": "1.893456e9", "as 0.1893456e10": "0.1893456e10", "at the end of the year 9999": "253402300799", "with a zero fraction": "1893456000.0"} {
		out["NumericDate: exp is written "+name] = take(raw(`"exp":` + number))
	}
	for name, number := range map[string]string{"1e-400": "1e-400", "0": "0", "-0": "-0", "5e-324": "5e-324"} {
		out["NumericDate: exp is "+name] = refuse(raw(`"exp":`+number), Expired)
		out["NumericDate: nbf is "+name] = take(raw(fmt.Sprintf(`"exp":%d,"nbf":%s`, end, number)))
	}
	return out
}

func skewed(o *Options) { o.ClockSkew = 30 * time.Second }

func aged(o *Options) { o.MaxAge = 5 * time.Minute }

// spelled are attacks by how a token is written.
func (w *world) spelled() map[string]attack {
	rs := w.s["RS256"]
	good := rs.mint(w.tb, rs.header(""), w.claimed)
	parts := strings.Split(good, ".")
	last := good[len(good)-1]
	loose := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	other := loose[strings.IndexByte(loose, last)|1] // RS256 has 256 bytes: four bits of the last letter mean nothing
	full := func(n int) string {                     // a token of n bytes
		for pad := (n-len(good))*3/4 + 3; ; pad-- {
			token := rs.mint(w.tb, rs.header(""), claims(w.tb, map[string]any{"pad": strings.Repeat("x", pad)}))
			if len(token) <= n {
				return token
			}
		}
	}
	return map[string]attack{
		"two segments":                          refuse(parts[0]+"."+parts[1], Malformed),
		"four segments":                         refuse(good+".x", Malformed),
		"five segments, as of encryption":       refuse(good+".x.y", Malformed),
		"a point at the end":                    refuse(good+".", Malformed),
		"a point at the start":                  refuse("."+good, Malformed),
		"no header":                             refuse("."+parts[1]+"."+parts[2], Malformed),
		"no payload":                            refuse(parts[0]+".."+parts[2], Malformed),
		"padding":                               refuse(good+"==", Malformed),
		"the other alphabet":                    refuse(parts[0]+"."+parts[1]+"."+strings.Repeat("+/", 171), Malformed),
		"bits that mean nothing":                refuse(good[:len(good)-1]+string(other), Malformed),
		"a line end":                            refuse(parts[0]+".\n"+parts[1]+"."+parts[2], Malformed),
		"a carriage return at the end":          refuse(good+"\r", Malformed),
		"white space":                           refuse(parts[0]+". "+parts[1]+"."+parts[2], Malformed),
		"two tokens in one line":                refuse(good+", Bearer "+good, Malformed),
		"two tokens with a comma":               refuse(good+","+good, Malformed),
		"the JSON form":                         refuse(fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]), Malformed),
		"a NUL":                                 refuse(good+"\x00", Malformed),
		"nothing that looks like a token":       refuse("opaque", Malformed),
		"a token in a token":                    refuse(rs.mint(w.tb, rs.header(`,"cty":"JWT"`), good), Malformed),
		"as large as is allowed":                take(full(DefaultMaxBytes)),
		"larger than is allowed":                refuse(strings.Repeat("A", DefaultMaxBytes+1), TooLarge),
		"a good token larger than is allowed":   {token: good, verdict: auth.Invalid, reason: TooLarge, options: func(o *Options) { o.MaxBytes = len(good) - 1 }},
		"a good token just as large as allowed": {token: good, verdict: auth.Valid, options: func(o *Options) { o.MaxBytes = len(good) }},
	}
}

// TestAttacksOfRFC8725 runs each attack without and with a cache, and twice with it.
func TestAttacksOfRFC8725(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := w.keys()
	shared := newCache(t)
	counts := map[auth.Verdict]int{}
	for group, table := range map[string]map[string]attack{"algorithms": w.algorithms(), "headers": w.headers(), "claims": w.said(), "spelling": w.spelled()} {
		if len(table) == 0 {
			t.Fatal("no attacks")
		}
		for name, at := range table {
			counts[at.verdict]++
			t.Run(group+"/"+name, func(t *testing.T) {
				for _, cache := range []*Cache{nil, shared} {
					a := authenticator(t, keys, func(o *Options) {
						o.Cache = cache
						if at.options != nil {
							at.options(o)
						}
					})
					for range 2 {
						got := a.Authenticate(t.Context(), bearer(at.token))
						if got.Verdict != at.verdict || got.Reason != at.reason || (got.Principal != nil) != (at.verdict == auth.Valid) {
							t.Errorf("got %+v, want verdict %d for %q", got, at.verdict, at.reason)
						}
					}
				}
			})
		}
	}
	if n := w.visits.Load(); n != 0 {
		t.Errorf("an address in a token was visited %d times", n)
	}
	t.Logf("%d attacks refused, %d tokens of other issuers left, %d good tokens beside them taken", counts[auth.Invalid], counts[auth.Absent], counts[auth.Valid])
}
