package api

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/grpcapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/moe"
)

// TestNoErrorOfAnyAPINamesAnAddress: of the three HTTP APIs and gRPC, whole and streamed,
// at once and after some tokens, whatever failed.
func TestNoErrorOfAnyAPINamesAnAddress(t *testing.T) {
	cause := errors.New("dial tcp 10.1.2.3:7070: lookup expert-3.hachi.svc on [fe80::1]:53: open /run/hachi/x.sock")
	secrets := []string{"10.1.2.3", ":7070", "hachi.svc", "fe80", "/run/hachi"}
	question := apitest.Request{Messages: []chat.Message{{Role: "user", Content: "x"}}, MaxTokens: 9}
	for _, kind := range []moe.Kind{moe.Unreachable, moe.NoReplica, moe.Internal, moe.Invalid, moe.Corrupt} {
		for _, drawn := range []int{0, 3} {
			failed := &moe.Error{Op: "expert call", Node: "expert-3", Kind: kind, Err: cause}
			b := apitest.New(t, chat.KarakuriTemplate, nil)
			b.Engine.Script = func(engine.Request) enginetest.Script {
				return enginetest.Script{Tokens: b.Tokenizer.Encode("one two three")[:drawn], Err: failed}
			}
			handler := Handler(Config{Config: b.Config}, func() bool { return true })
			check := func(what, said string) {
				t.Helper()
				if !strings.Contains(said, "expert call") {
					t.Errorf("%s, %v after %d tokens: no error: %s", what, kind, drawn, said)
				}
				for _, secret := range secrets {
					if strings.Contains(said, secret) {
						t.Errorf("%s, %v after %d tokens: %s", what, kind, drawn, said)
					}
				}
			}
			for _, api := range apitest.APIs {
				for _, stream := range []bool{false, true} {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, httptest.NewRequest("POST", api.Path, bytes.NewReader(api.Body(question, stream))))
					check(fmt.Sprint(api.Path, ", stream ", stream), w.Body.String())
				}
			}
			err := grpcapi.New(b.Config.Service).Generate(question.Generate(), &messages{ctx: t.Context()})
			check("gRPC", status.Convert(err).Message())
		}
	}
}
