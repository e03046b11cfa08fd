package identity

import (
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestOnlyExpertNodesAndOperatorsFetchWeights: a call that passes finds no implementation.
func TestOnlyExpertNodesAndOperatorsFetchWeights(t *testing.T) {
	ours := authority(t, "c")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options := append(NewGuard(Methods(), nil).Options(), grpc.Creds(credentials.NewTLS(source(t, ours, ID{"c", Expert, "e"}, ours).ServerTLS())))
	server := grpc.NewServer(options...)
	hachiv1.RegisterWeightsServiceServer(server, hachiv1.UnimplementedWeightsServiceServer{})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	defer func() { server.Stop(); serving.Wait() }()
	for role, want := range map[Role]codes.Code{
		Expert: codes.Unimplemented, Operator: codes.Unimplemented, Router: codes.PermissionDenied, Gateway: codes.PermissionDenied,
		Coordinator: codes.PermissionDenied, Etcd: codes.PermissionDenied,
	} {
		service := hachiv1.NewWeightsServiceClient(dial(t, l.Addr().String(), tlsTo(source(t, ours, ID{"c", role, "x"}, ours), Expert, "e")))
		_, stat := service.StatFile(t.Context(), &hachiv1.StatFileRequest{})
		stream, read := service.ReadFile(t.Context(), &hachiv1.ReadFileRequest{})
		if read == nil {
			_, read = stream.Recv()
		}
		if status.Code(stat) != want || status.Code(read) != want {
			t.Errorf("%s: %v and %v, expected %v", role, status.Code(stat), status.Code(read), want)
		}
	}
}
