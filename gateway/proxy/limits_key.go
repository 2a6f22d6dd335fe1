// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/condition"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
)

// part reads one part of a key.
type part struct {
	kind  partKind
	name  string           // of a header line or claim
	value *condition.Value // of a condition
}

type partKind uint8

const (
	clientPart partKind = iota
	hostPart
	methodPart
	pathPart
	headerPart
	principalPart
	claimPart
	conditionPart
)

var plainParts = map[string]partKind{"client.ip": clientPart, "host": hostPart, "method": methodPart, "path": pathPart, "principal": principalPart}

// partsOf compiles a key, and tells whether it asks who makes a request.
func partsOf(key []string) (parts []part, identity bool, err error) {
	for _, text := range key {
		p := part{}
		kind, name, named := strings.Cut(text, ":")
		switch {
		case kind == "header" && named:
			p = part{kind: headerPart, name: textproto.CanonicalMIMEHeaderKey(name)}
		case kind == "claim" && named:
			p = part{kind: claimPart, name: name}
		case kind == "cel" && named:
			value, err := condition.Text(strings.TrimSpace(name))
			if err != nil {
				return nil, false, fmt.Errorf("key %q: %w", text, err)
			}
			p = part{kind: conditionPart, value: value}
			identity = identity || value.Identity()
		default:
			plain, known := plainParts[text]
			if !known {
				return nil, false, fmt.Errorf("there is no part %q of a key", text)
			}
			p.kind = plain
		}
		identity = identity || p.kind == principalPart || p.kind == claimPart
		parts = append(parts, p)
	}
	return parts, identity, nil
}

// appendKey adds the parts of a request's key. Each has its length before it, so
// that two keys are never written alike; what a request lacks has none.
func appendKey(b []byte, parts []part, x *Exchange) ([]byte, error) {
	for i := range parts {
		at := len(b)
		b = append(b, 0, 0, 0, 0)
		var err error
		if b, err = parts[i].append(b, x); err != nil {
			return b, err
		}
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // no part has 4 GiB
	}
	return b, nil
}

func (p *part) append(b []byte, x *Exchange) ([]byte, error) {
	switch p.kind {
	case clientPart:
		return network.Of(x.Form.Client).AppendTo(b), nil
	case hostPart:
		return append(b, x.Form.Host...), nil
	case methodPart:
		return append(b, x.Form.Method...), nil
	case pathPart:
		return append(b, x.Form.Path...), nil
	case headerPart:
		for i, value := range x.Form.Header[p.name] {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, value...)
		}
		return b, nil
	case principalPart:
		if who := x.Principal; who != nil {
			b = append(binary.AppendUvarint(b, uint64(len(who.By))), who.By...)
			b = append(binary.AppendUvarint(b, uint64(len(who.Issuer))), who.Issuer...)
			b = append(b, who.Subject...)
		}
		return b, nil
	case claimPart:
		switch {
		case x.Principal == nil:
			return b, nil
		case p.name == "sub": // of whatever credential, as access policies have it
			return append(b, x.Principal.Subject...), nil
		}
		return appendClaim(b, x.Principal.Claims[p.name])
	case conditionPart:
		if p.value.Identity() && x.Principal == nil {
			return b, nil
		}
		text, err := p.value.Eval(condition.Input{Form: x.Form, Principal: x.Principal, Now: x.Now})
		return append(b, text...), err
	}
	return b, fmt.Errorf("there is no part %d of a key", p.kind)
}

// appendClaim adds what a claim says: text as it is, anything else as JSON.
func appendClaim(b []byte, claim any) ([]byte, error) {
	switch claim := claim.(type) {
	case nil:
		return b, nil
	case string:
		return append(b, claim...), nil
	}
	text, err := json.Marshal(claim)
	return append(b, text...), err
}
