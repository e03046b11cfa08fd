package role

import (
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/identity"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestReflectionAndChannelzAreTheAdmins: at the admin API, with an admin's key.
func TestReflectionAndChannelzAreTheAdmins(t *testing.T) {
	gate := &keys.Gate{Admins: keys.NewGuard([]keys.Entry{{Name: "root", SHA256: keys.Hashes{keys.HashOf("ADMIN")}}})}
	c := AdminConfig{AdminListen: freeport.Address(t)}
	stop, err := adminAPI{routes: processRoutes(), services: offered{hachiv1.ExpertService_ServiceDesc}, gate: gate, logger: slog.New(slog.DiscardHandler)}.start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	conn, err := grpc.NewClient(c.AdminListen, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	inside := grpc_channelz_v1.NewChannelzClient(conn)
	if _, err := inside.GetServers(t.Context(), &grpc_channelz_v1.GetServersRequest{}); grpcstatus.Code(err) != codes.Unauthenticated {
		t.Errorf("channelz without a key: %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer ADMIN")
	if _, err := inside.GetServers(ctx, &grpc_channelz_v1.GetServersRequest{}); err != nil {
		t.Errorf("channelz: %v", err)
	}
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil || !strings.Contains(answer.String(), "hachi.v1.ExpertService") {
		t.Errorf("reflection: %v, %v", answer, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
}

// TestNoOtherListenerHasThem: the rules of the other gRPC servers name neither.
func TestNoOtherListenerHasThem(t *testing.T) {
	for method := range identity.Methods() {
		if strings.Contains(method, "reflection") || strings.Contains(method, "channelz") {
			t.Errorf("%s may be called elsewhere", method)
		}
	}
}
