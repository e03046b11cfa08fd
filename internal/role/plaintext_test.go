package role

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/keys"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// obeying is a coordinator that does what it is asked.
type obeying struct {
	hachiv1.UnimplementedCoordinatorServiceServer
}

func (obeying) DrainNode(context.Context, *hachiv1.DrainNodeRequest) (*hachiv1.DrainNodeResponse, error) {
	return &hachiv1.DrainNodeResponse{}, nil
}

func (obeying) GetStatus(context.Context, *hachiv1.GetStatusRequest) (*hachiv1.GetStatusResponse, error) {
	return &hachiv1.GetStatusResponse{}, nil
}

func (obeying) PlanPlacement(context.Context, *hachiv1.PlanPlacementRequest) (*hachiv1.PlanPlacementResponse, error) {
	return &hachiv1.PlanPlacementResponse{}, nil
}

// TestACoordinatorInPlaintextAsksAdminsForTheirKey where it drains and plans, and
// refuses pages of other sites.
func TestACoordinatorInPlaintextAsksAdminsForTheirKey(t *testing.T) {
	gate := &keys.Gate{Admins: keys.NewGuard([]keys.Entry{{Name: "root", SHA256: keys.Hashes{keys.HashOf("ADMIN")}}})}
	done := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })
	for _, tt := range []struct {
		method, path, host, key string
		gate                    *keys.Gate
		want                    int
	}{
		{"GET", "/v1/status", "localhost", "", gate, 200},
		{"GET", "/v1/status", "evil.example", "", gate, 403},
		{"PUT", "/v1/nodes/n/drain", "localhost", "", gate, 401},
		{"PUT", "//v1/nodes/n/drain", "localhost", "", gate, 401},
		{"DELETE", "/v1/nodes/n/drain", "localhost", "WRONG", gate, 401},
		{"PUT", "/v1/nodes/n/drain", "localhost", "ADMIN", gate, 200},
		{"PUT", "/v1/nodes/n/drain", "localhost", "", &keys.Gate{}, 200},
		{"PUT", "/v1/nodes/n/drain", "evil.example", "", &keys.Gate{}, 403},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		if r.Host = tt.host; tt.key != "" {
			r.Header.Set("x-api-key", tt.key)
		}
		w := httptest.NewRecorder()
		if plaintextAPI(done, tt.gate, true, slog.New(slog.DiscardHandler)).ServeHTTP(w, r); w.Code != tt.want {
			t.Errorf("%+v: %d", tt, w.Code)
		}
	}
	server := grpc.NewServer(plaintextRules(gate)...)
	hachiv1.RegisterCoordinatorServiceServer(server, obeying{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := hachiv1.NewCoordinatorServiceClient(conn)
	for key, want := range map[string]codes.Code{"": codes.Unauthenticated, "WRONG": codes.Unauthenticated, "ADMIN": codes.OK} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-api-key", key)
		_, drain := client.DrainNode(ctx, &hachiv1.DrainNodeRequest{})
		_, plan := client.PlanPlacement(ctx, &hachiv1.PlanPlacementRequest{})
		_, read := client.GetStatus(ctx, &hachiv1.GetStatusRequest{})
		if grpcstatus.Code(drain) != want || grpcstatus.Code(plan) != want || read != nil {
			t.Errorf("the key %q: %v, %v, %v", key, drain, plan, read)
		}
	}
}
