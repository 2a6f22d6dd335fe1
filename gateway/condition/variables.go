// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"net/http"
	"net/textproto"
	"reflect"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

const (
	claimsName      = "claims"
	principalPrefix = "principal."
)

// declarations are the variables of expressions.
func declarations() []cel.EnvOption {
	var out []cel.EnvOption
	for _, name := range []string{"request.method", "request.host", "request.path", "request.query", "request.scheme", "client.ip", "principal.subject", "principal.issuer", "principal.by"} {
		out = append(out, cel.Variable(name, types.StringType))
	}
	return append(out,
		cel.Variable("request.headers", types.NewMapType(types.StringType, types.StringType)),
		cel.Variable("principal.scopes", types.NewListType(types.StringType)),
		cel.Variable(claimsName, types.NewMapType(types.StringType, types.DynType)),
		cel.Variable("now", types.TimestampType),
	)
}

// variables are what the names of an expression stand for. They are read when they
// are asked for.
type variables struct{ in Input }

var _ cel.Activation = (*variables)(nil)

// Parent implements cel.Activation.
func (*variables) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (v *variables) ResolveName(name string) (any, bool) {
	f := v.in.Form
	switch name {
	case "request.method":
		return types.String(f.Method), true
	case "request.host":
		return types.String(f.Host), true
	case "request.path":
		return types.String(f.Path), true
	case "request.query":
		return types.String(f.Query), true
	case "request.scheme":
		return types.String(f.Scheme), true
	case "request.headers":
		return &headers{h: f.Header}, true
	case "client.ip":
		return types.String(f.Client.String()), true
	case "now":
		return types.Timestamp{Time: v.in.Now}, true
	}
	if name == claimsName || strings.HasPrefix(name, principalPrefix) {
		return v.principal(name)
	}
	return nil, false
}

func (v *variables) principal(name string) (any, bool) {
	p := v.in.Principal
	if p == nil {
		return types.NewErr("nobody is known"), true
	}
	switch name {
	case claimsName:
		if p.Claims == nil {
			return map[string]any{}, true
		}
		return p.Claims, true
	case "principal.subject":
		return types.String(p.Subject), true
	case "principal.issuer":
		return types.String(p.Issuer), true
	case "principal.by":
		return types.String(p.By), true
	case "principal.scopes":
		return types.NewStringList(adapter{}, p.Scopes), true
	}
	return nil, false
}

// headers are header lines as a map. Names may be asked for in any case, and are
// listed in lower case; several lines of one name are one text, with commas.
type headers struct {
	traits.Mapper // made when it is needed
	h             http.Header
}

// Find implements traits.Mapper.
func (m *headers) Find(key ref.Val) (ref.Val, bool) {
	name, is := key.(types.String)
	if !is {
		return nil, false
	}
	values, has := m.h[textproto.CanonicalMIMEHeaderKey(string(name))]
	if !has {
		return nil, false
	}
	if len(values) == 1 {
		return types.String(values[0]), true
	}
	return types.String(strings.Join(values, ", ")), true
}

// Get implements traits.Indexer.
func (m *headers) Get(key ref.Val) ref.Val {
	if v, found := m.Find(key); found {
		return v
	}
	return types.NewErr("no such header")
}

// Contains implements traits.Container.
func (m *headers) Contains(value ref.Val) ref.Val {
	_, found := m.Find(value)
	return types.Bool(found)
}

// Size implements traits.Sizer.
func (m *headers) Size() ref.Val { return types.Int(len(m.h)) }

// Type implements ref.Val.
func (*headers) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (m *headers) Value() any { return m.whole().Value() }

// Iterator implements traits.Iterable.
func (m *headers) Iterator() traits.Iterator { return m.whole().Iterator() }

// Equal implements ref.Val.
func (m *headers) Equal(other ref.Val) ref.Val { return m.whole().Equal(other) }

// ConvertToType implements ref.Val.
func (m *headers) ConvertToType(t ref.Type) ref.Val { return m.whole().ConvertToType(t) }

// ConvertToNative implements ref.Val.
func (m *headers) ConvertToNative(t reflect.Type) (any, error) { return m.whole().ConvertToNative(t) }

func (m *headers) whole() traits.Mapper {
	if m.Mapper == nil {
		all := make(map[string]string, len(m.h))
		for name, values := range m.h {
			all[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		m.Mapper = types.NewStringStringMap(adapter{}, all)
	}
	return m.Mapper
}
