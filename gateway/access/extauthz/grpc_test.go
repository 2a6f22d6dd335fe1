// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// described are the messages as protobuf's own reader takes them: a field is its
// message's name, a number, a type and a name.
var described = map[string][]string{
	"CheckRequest":     {"1 AttributeContext attributes"},
	"AttributeContext": {"1 Peer source", "4 Request request"},
	"Peer":             {"1 Address address"},
	"Address":          {"1 SocketAddress socket_address"},
	"SocketAddress":    {"2 string address"},
	"Request":          {"1 Timestamp time", "2 HttpRequest http"},
	"Timestamp":        {"1 int64 seconds", "2 int32 nanos"},
	"HttpRequest":      {"1 string id", "2 string method", "3 Header headers*", "4 string path", "5 string host", "6 string scheme", "9 int64 size"},
	"Header":           {"1 string key", "2 string value"},
	"CheckResponse":    {"1 Status status", "2 Denied denied_response", "3 Ok ok_response"},
	"Status":           {"1 int32 code", "2 string message"},
	"HttpStatus":       {"1 int32 code"},
	"Denied":           {"1 HttpStatus status", "2 Option headers*", "3 string body"},
	"Ok":               {"2 Option headers*", "5 string headers_to_remove*", "8 string query_parameters_to_remove*"},
	"Option":           {"1 Value header"},
	"Value":            {"1 string key", "2 string value", "3 bytes raw_value"},
}

// descriptors are made once: messages of two of them are never equal.
var descriptors = sync.OnceValues(func() (protoreflect.FileDescriptor, error) {
	file := &descriptorpb.FileDescriptorProto{Name: new("x.proto"), Package: new("x"), Syntax: new("proto3")}
	kinds := map[string]descriptorpb.FieldDescriptorProto_Type{
		"string": descriptorpb.FieldDescriptorProto_TYPE_STRING, "bytes": descriptorpb.FieldDescriptorProto_TYPE_BYTES,
		"int32": descriptorpb.FieldDescriptorProto_TYPE_INT32, "int64": descriptorpb.FieldDescriptorProto_TYPE_INT64,
	}
	for name, list := range described {
		m := &descriptorpb.DescriptorProto{Name: new(name)}
		for _, text := range list {
			var number int32
			var kind, called string
			if _, err := fmt.Sscan(text, &number, &kind, &called); err != nil {
				return nil, err
			}
			f := &descriptorpb.FieldDescriptorProto{Number: &number, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
			if called[len(called)-1] == '*' {
				called, f.Label = called[:len(called)-1], descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			}
			f.Name = &called
			if k, simple := kinds[kind]; simple {
				f.Type = k.Enum()
			} else {
				f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), new(".x."+kind)
			}
			m.Field = append(m.Field, f)
		}
		file.MessageType = append(file.MessageType, m)
	}
	return protodesc.NewFile(file, nil)
})

func message(t testing.TB, name string) *dynamicpb.Message {
	t.Helper()
	d, err := descriptors()
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessage(d.Messages().ByName(protoreflect.Name(name)))
}

// response is a CheckResponse, written as text.
func response(t testing.TB, text string) []byte {
	t.Helper()
	m := message(t, "CheckResponse")
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// raw is a codec of messages that somebody else reads.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) ([]byte, error) {
	b, is := v.(*[]byte)
	if !is {
		return nil, errors.New("no bytes")
	}
	return *b, nil
}

func (raw) Unmarshal(b []byte, v any) error {
	to, is := v.(*[]byte)
	if !is {
		return errors.New("no bytes")
	}
	*to = append([]byte{}, b...)
	return nil
}

// served is a server of grpc-go, as a backend.
func served(t testing.TB, check func(ctx context.Context, question []byte) ([]byte, error)) Sender {
	t.Helper()
	s := grpc.NewServer(grpc.ForceServerCodec(raw{}))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "envoy.service.auth.v3.Authorization", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Check",
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var question []byte
			if err := decode(&question); err != nil {
				return nil, err
			}
			out, err := check(ctx, question)
			return &out, err
		},
	}}}, nil)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }() // it is stopped
	t.Cleanup(s.Stop)
	return backend(t, l.Addr().String())
}

// asker is a backend that is asked as policies ask.
type asker struct{ *upstream.Pool }

func (o asker) Send(ctx context.Context, r *http1.Request) (*http1.Response, error) {
	return o.Pool.Send(ctx, r, upstream.DefaultRetry)
}

func backend(t testing.TB, address string) Sender {
	t.Helper()
	set := upstream.NewSet(upstream.Own)
	t.Cleanup(set.Close)
	pools, err := set.Update([]config.Backend{{Name: "authz", Protocol: "h2c", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(address)}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return asker{pools["authz"]}
}

func TestWhatAServiceIsAskedByGRPC(t *testing.T) {
	t.Parallel()
	got := message(t, "CheckRequest")
	c := NewGRPC(GRPCOptions{Common: Common{RequestHeaders: []string{"Cookie"}}}, served(t, func(ctx context.Context, question []byte) ([]byte, error) {
		if until, has := ctx.Deadline(); !has || time.Until(until) > DefaultTimeout+time.Millisecond {
			return nil, status.Error(codes.Internal, "no deadline")
		}
		return response(t, "status {}"), proto.Unmarshal(question, got)
	}))
	r := asked()
	r.Now = time.Unix(1, 2)
	r.Form.Header["Cookie"] = []string{"a=\xff"}
	if a := c.Ask(t.Context(), r); !a.Allowed {
		t.Fatalf("got %+v", a)
	}
	want := message(t, "CheckRequest")
	if err := prototext.Unmarshal([]byte(`attributes {
		source { address { socket_address { address: "192.0.2.7" } } }
		request { time { seconds: 1 nanos: 2 } http {
			method: "POST" path: "/a%2Fb/c?d=e" host: "shop.example.com:8443" scheme: "https" size: -1
			headers { key: "authorization" value: "Bearer x" } headers { key: "cookie" value: "a=\357\277\275" }
			headers { key: "x-forwarded-for" value: "192.0.2.7" } headers { key: "x-forwarded-proto" value: "https" } } } }`), want); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(want, got) {
		t.Errorf("got %s\nwant %s", prototext.Format(got), prototext.Format(want))
	}
}

func TestWhatAServiceSaysByGRPC(t *testing.T) {
	t.Parallel()
	refusal := func(status int, h http.Header) access.ExternalAnswer {
		return access.ExternalAnswer{Status: status, Reason: Refused, Header: h}
	}
	gone := access.ExternalAnswer{Status: 503, Reason: Unavailable}
	for name, tc := range map[string]struct {
		says []byte
		err  error
		want access.ExternalAnswer
	}{
		"yes": {
			response(t, `status {} ok_response { headers { header { key: "x-user" value: "ann" } } headers { header { key: "x-other" value: "b" } } headers_to_remove: "authorization" headers_to_remove: "host" }`), nil,
			access.ExternalAnswer{Allowed: true, Header: http.Header{"X-User": {"ann"}}, Remove: []string{"Authorization"}},
		},
		"yes, as bytes":                     {response(t, `status {} ok_response { headers { header { key: "x-user" raw_value: "ann" } } }`), nil, access.ExternalAnswer{Allowed: true, Header: http.Header{"X-User": {"ann"}}, Remove: []string{}}},
		"no":                                {response(t, `status { code: 7 message: "secret" }`), nil, refusal(403, http.Header{})},
		"no, whatever goes with it":         {response(t, `status { code: 7 } ok_response {}`), nil, refusal(403, http.Header{})},
		"a yes that goes with a no":         {response(t, `status {} denied_response {}`), nil, refusal(403, http.Header{})},
		"a login":                           {response(t, `status { code: 16 } denied_response { status { code: 302 } headers { header { key: "location" value: "https://login/" } } body: "x" }`), nil, refusal(302, http.Header{"Location": {"https://login/"}})},
		"a challenge":                       {response(t, `status { code: 16 } denied_response { status { code: 401 } headers { header { key: "x-user" value: "ann" } } }`), nil, refusal(401, http.Header{})},
		"a fault of its own":                {response(t, `status { code: 14 } denied_response { status { code: 503 } }`), nil, gone},
		"a success that denies":             {response(t, `status { code: 7 } denied_response { status { code: 200 } }`), nil, gone},
		"nothing":                           {nil, nil, gone},
		"no status":                         {response(t, `ok_response {}`), nil, gone},
		"what cannot be done":               {response(t, `status {} ok_response { query_parameters_to_remove: "a" }`), nil, gone},
		"a line break in a line":            {response(t, `status {} ok_response { headers { header { key: "x-user" value: "a\r\nb" } } }`), nil, gone},
		"half a message":                    {append(response(t, `status {}`), 0x1a, 0x05), nil, gone},
		"a status that is a number":         {protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 0), nil, gone},
		"an error beside what would be yes": {response(t, `status {}`), status.Error(codes.PermissionDenied, "no"), gone},
		"too much":                          {append(response(t, `status {}`), protowire.AppendBytes(protowire.AppendTag(nil, 15, protowire.BytesType), make([]byte, maxMessage))...), nil, gone},
	} {
		c := NewGRPC(GRPCOptions{Common: Common{ResponseHeaders: []string{"X-User"}}}, served(t, func(context.Context, []byte) ([]byte, error) { return tc.says, tc.err }))
		got := c.Ask(t.Context(), asked())
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestServicesThatAreNotThereByGRPC(t *testing.T) {
	t.Parallel()
	if got := NewGRPC(GRPCOptions{}, backend(t, "127.0.0.1:1")).Ask(t.Context(), asked()); got.Allowed || got.Status != 503 {
		t.Errorf("nobody: got %+v", got)
	}
	slow := NewGRPC(GRPCOptions{Common: Common{Timeout: 20 * time.Millisecond, Concurrency: 1}}, served(t, func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }))
	if got := slow.Ask(t.Context(), asked()); got.Allowed || got.Status != 503 || got.Reason != Unavailable {
		t.Errorf("a slow one: got %+v", got)
	}
	slow.slots <- struct{}{}
	if got := slow.Ask(t.Context(), asked()); got.Allowed || got.Reason != Busy {
		t.Errorf("one too many: got %+v", got)
	}
}

// TestWhichLinesAServiceIsTold: those of the client that are named, with Authorization or
// without, or all but those of the connection.
func TestWhichLinesAServiceIsTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    Common
		want []string
	}{
		"as is usual": {Common{RequestHeaders: []string{"Cookie"}}, []string{"Authorization", "Cookie"}},
		"named":       {Common{RequestHeaders: []string{"Cookie"}, Lines: Named}, []string{"Cookie"}},
		"all":         {Common{Lines: All}, []string{"Authorization", "Cookie", "X-Other"}},
	} {
		o, h := tc.o.withDefaults(), http.Header{"Authorization": {"Bearer x"}, "Cookie": {"a"}, "X-Other": {"b"}, "Connection": {"close"}, "Content-Length": {"1"}}
		if diff := cmp.Diff(tc.want, o.asked(h)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLinesThatWereNotNamedAreNoAnswer, where the service is not to rely on them.
func TestLinesThatWereNotNamedAreNoAnswer(t *testing.T) {
	t.Parallel()
	const other, named = `status {} ok_response { headers { header { key: "x-other" value: "b" } } }`, `status {} ok_response { headers { header { key: "x-user" value: "ann" } } headers_to_remove: "a" }`
	for name, tc := range map[string]struct {
		says    string
		unnamed Unnamed
		want    bool
	}{
		"another line, dropped": {other, Drop, true},
		"another line, refused": {other, Refuse, false},
		"a named line":          {named, Refuse, true},
		"no line":               {`status {}`, Refuse, true},
	} {
		c := NewGRPC(GRPCOptions{Common: Common{ResponseHeaders: []string{"X-User"}}, Unnamed: tc.unnamed}, served(t, func(context.Context, []byte) ([]byte, error) { return response(t, tc.says), nil }))
		if got := c.Ask(t.Context(), asked()); got.Allowed != tc.want || !tc.want && (got.Status != 503 || got.Reason != Unavailable) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// FuzzAnswer: what is not a yes is not taken for one, and a yes says OK.
func FuzzAnswer(f *testing.F) {
	f.Add(response(f, `status {} ok_response { headers { header { key: "x-user" value: "ann" } } headers_to_remove: "a" }`))
	f.Add(response(f, `status { code: 7 } denied_response { status { code: 401 } }`))
	f.Fuzz(func(t *testing.T, b []byte) {
		said, ok := readAnswer(b)
		m := message(t, "CheckResponse")
		if err := proto.Unmarshal(b, m); err != nil {
			return // this reader passes over what it does not use
		}
		status := m.Get(m.Descriptor().Fields().ByName("status")).Message()
		code := status.Get(status.Descriptor().Fields().ByName("code")).Int()
		if said.allowed && (!ok || !status.IsValid() || code != 0) {
			t.Fatalf("%x: got %+v of %s", b, said, prototext.Format(m))
		}
	})
}
