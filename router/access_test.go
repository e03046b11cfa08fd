package router

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/api/server"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// keyOf says whose key a method needs.
type keyOf int

const (
	nobodys keyOf = iota
	clients
	admins
)

// rpcs are the methods of the router's gRPC server: a request, and the key that it
// needs.
var rpcs = map[string]struct {
	request proto.Message
	needs   keyOf
}{
	hachiv1.InferenceService_Generate_FullMethodName:       {textPrompt("x"), clients},
	hachiv1.InferenceService_GenerateTokens_FullMethodName: {&hachiv1.GenerateTokensRequest{Prompt: []uint32{5}}, admins},
	grpc_health_v1.Health_Check_FullMethodName:             {&grpc_health_v1.HealthCheckRequest{}, nobodys},
	grpc_health_v1.Health_List_FullMethodName:              {&grpc_health_v1.HealthListRequest{}, nobodys},
	grpc_health_v1.Health_Watch_FullMethodName:             {&grpc_health_v1.HealthCheckRequest{}, nobodys},
}

// methodPaths are ways to write the path of a method.
var methodPaths = map[string]func(string) string{
	"plain":           func(p string) string { return p },
	"without a slash": func(p string) string { return p[1:] },
	"doubled slash":   func(p string) string { return "/" + p },
	"encoded":         func(p string) string { return "/%68" + p[2:] },
	"dot segments":    func(p string) string { return "/grpc.health.v1.Health/.." + p },
	"open and closed": func(p string) string { return grpc_health_v1.Health_Check_FullMethodName + p },
	"query":           func(p string) string { return p + "?" + grpc_health_v1.Health_Check_FullMethodName },
	"no method":       func(p string) string { return p[:strings.LastIndexByte(p, '/')] },
	"slash at end":    func(p string) string { return p + "/" },
}

// callers are what a call carries in its metadata, and whose key it is.
var callers = []struct {
	name, key, value string
	has              keyOf
}{
	{"none", "", "", nobodys},
	{"wrong", "authorization", "Bearer WRONG", nobodys},
	{"rotated away", "authorization", "Bearer OLD", nobodys},
	{"of another scheme", "authorization", "Basic S0VZ", nobodys},
	{"binary metadata", "x-api-key-bin", "S0VZ", nobodys},
	{"right", "authorization", "Bearer KEY", clients},
	{"right, as Anthropic's", "x-api-key", "KEY", clients},
	{"admin's", "authorization", "Bearer ADMIN", admins},
}

// TestOnlyTheRightKeyCalls walks every method of the gRPC server by every spelling of
// its path, with every credential.
func TestOnlyTheRightKeyCalls(t *testing.T) {
	guard := keys.NewGuard([]keys.Entry{{Name: "a", SHA256: keys.Hashes{keys.HashOf("OLD")}}})
	guard.Replace([]keys.Entry{{Name: "a", SHA256: keys.Hashes{keys.HashOf("KEY")}}})
	var addr string
	var methods []string
	b := start(t, func(c *Config) {
		c.API.Gate = &keys.Gate{Clients: guard, Admins: keys.NewGuard([]keys.Entry{{Name: "root", SHA256: keys.Hashes{keys.HashOf("ADMIN")}}})}
		addr = c.GRPC.Addr().String()
		d := *c
		d.Logger = slog.New(slog.DiscardHandler)
		for name, service := range server.New(d.Config, func() bool { return true }).Services() {
			for _, m := range service.Methods {
				methods = append(methods, "/"+name+"/"+m.Name)
			}
		}
	})
	b.saying("hello")
	if len(methods) != len(rpcs) {
		t.Errorf("the server has the methods %q, and the list %d: say in rpcs who may call them", methods, len(rpcs))
	}
	for _, method := range methods {
		rpc, ok := rpcs[method]
		if !ok {
			t.Errorf("%s is not in the list", method)
			continue
		}
		if method == grpc_health_v1.Health_Watch_FullMethodName {
			continue // it does not end; Check is open by the same table
		}
		for spelling, spell := range methodPaths {
			for _, c := range callers {
				before := len(b.engine.Calls())
				status := callRaw(t, addr, spell(method), rpc.request, c.key, c.value)
				ran := len(b.engine.Calls()) > before
				plain, right := spelling == "plain", rpc.needs == nobodys || rpc.needs == c.has
				refused := "16" // UNAUTHENTICATED
				if rpc.needs == admins && c.has == clients {
					refused = "7" // PERMISSION_DENIED
				}
				switch {
				case !right && (status == "0" || ran || plain && status != refused):
					t.Errorf("%s (%s) with the key %s: grpc-status %q, ran %v", method, spelling, c.name, status, ran)
				case plain && right && status != "0":
					t.Errorf("%s with the key %s: grpc-status %q", method, c.name, status)
				}
			}
		}
	}
	if u := guard.Usage()[1]; u.Client != "a" || u.Requests != 2 || u.Running != 0 || u.PromptTokens == 0 || u.CompletionTokens == 0 {
		t.Errorf("usage %+v", u)
	}
}

// callRaw calls a method by frames of HTTP/2 and returns its grpc-status; "" if the
// stream ended without one.
func callRaw(t *testing.T, addr, path string, request proto.Message, key, value string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	out := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", addr}, {":path", path}, {"content-type", "application/grpc"}, {"te", "trailers"}, {key, value}} {
		if f[0] != "" {
			_ = out.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, true, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(raw))), raw...))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return ""
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return ""
		case *http2.MetaHeadersFrame:
			for _, field := range f.RegularFields() {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
		}
	}
}
