package accesstest

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// RPCs are the methods of the listener of clients, with a request that is served. A call
// below the level of text names the model by its fingerprint.
func RPCs(fingerprint string) map[string]proto.Message {
	prompt := &hachiv1.GenerateRequest{Prompt: &hachiv1.GenerateRequest_Text{Text: "x"}}
	return map[string]proto.Message{
		hachiv1.InferenceService_Generate_FullMethodName:       prompt,
		hachiv1.InferenceService_GenerateTokens_FullMethodName: &hachiv1.GenerateTokensRequest{Prompt: []uint32{5}, Fingerprint: fingerprint},
		grpc_health_v1.Health_Check_FullMethodName:             &grpc_health_v1.HealthCheckRequest{},
		grpc_health_v1.Health_List_FullMethodName:              &grpc_health_v1.HealthListRequest{},
		grpc_health_v1.Health_Watch_FullMethodName:             nil, // does not end; Check is open by the same table
	}
}

// ProcessRPCs are the methods that routers and gateways have for the consoles of each
// other. The request that is to be canceled does not run.
func ProcessRPCs() map[string]proto.Message {
	return map[string]proto.Message{
		hachiv1.ProcessService_GetProcess_FullMethodName:    &hachiv1.GetProcessRequest{},
		hachiv1.ProcessService_CancelRequest_FullMethodName: &hachiv1.CancelRequestRequest{Number: 1 << 40},
	}
}

// Statuses of gRPC, as a trailer has them. "" is no answer.
const (
	OK               = "0"
	NotFound         = "5"
	PermissionDenied = "7"
	Unauthenticated  = "16"
)

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

// WalkRPCs calls every method by every spelling of its path, with every credential. The
// services are those of the server. want is the status of a method in its own spelling
// with a credential; a caller whom it does not let in gets in by no other spelling.
func WalkRPCs(t *testing.T, s Server, services map[string]grpc.ServiceInfo, listed map[string]proto.Message, by []Credential, want func(method string, c Credential) string) {
	t.Helper()
	n := 0
	for name, service := range services {
		for _, m := range service.Methods {
			method := "/" + name + "/" + m.Name
			in, ok := listed[method]
			if n++; !ok {
				t.Errorf("%s is not in the list: say there who may call it", method)
			}
			if in == nil {
				continue
			}
			for _, c := range by {
				for spelling, spell := range methodPaths {
					if !s.spells(spelling) {
						continue
					}
					before := s.Ran()
					status := s.Call(t, spell(method), in, c)
					ran := s.Ran() > before
					switch expected := want(method, c); {
					case spelling == "plain" && status != expected:
						t.Errorf("%s with the key %s: grpc-status %q, expected %q", method, c.Name, status, expected)
					case expected != OK && (status == OK || ran):
						t.Errorf("%s (%s) with the key %s: grpc-status %q, ran %v", method, spelling, c.Name, status, ran)
					}
				}
			}
		}
	}
	if n != len(listed) {
		t.Errorf("the server has %d methods, and the list %d", n, len(listed))
	}
}

// Call calls a method by frames of HTTP/2 and returns its grpc-status; "" if the stream
// ended without one.
func (s Server) Call(t *testing.T, path string, in proto.Message, c Credential) (status string) {
	t.Helper()
	raw, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r := request{
		body:   string(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(raw)))) + string(raw),
		header: [][2]string{{"content-type", "application/grpc"}, {"te", "trailers"}},
	}
	frames(t, s, r.with(c, "POST", path), func(f *http2.MetaHeadersFrame) (ended bool) {
		for _, field := range f.RegularFields() {
			if field.Name == "grpc-status" {
				status = field.Value
			}
		}
		return status != ""
	})
	return status
}
