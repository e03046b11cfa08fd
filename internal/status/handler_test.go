package status

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// coordinator answers with its fields, and keeps the last request.
type coordinator struct {
	seen  *hachiv1.GetStatusResponse
	err   error
	drain *hachiv1.DrainNodeRequest
}

func (c *coordinator) GetStatus(context.Context, *hachiv1.GetStatusRequest) (*hachiv1.GetStatusResponse, error) {
	return c.seen, c.err
}

func (c *coordinator) DrainNode(_ context.Context, r *hachiv1.DrainNodeRequest) (*hachiv1.DrainNodeResponse, error) {
	c.drain = r
	return &hachiv1.DrainNodeResponse{}, c.err
}

// TestHandlerSpeaksToTheClient: the status and the requests to drain, over HTTP.
func TestHandlerSpeaksToTheClient(t *testing.T) {
	reg := registry.New(memory.New(), registry.Prefix("c"), registry.Options{TTL: time.Minute})
	session := reg.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: "n 1", ExpertBytes: 7})
	co := &coordinator{seen: &hachiv1.GetStatusResponse{Policy: "column", Replicas: 2}}
	server := httptest.NewServer(Handler(reg, co))
	t.Cleanup(func() {
		server.Close()
		if err := session.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c := &client.Client{Coordinator: server.URL + "/"}
	for {
		s, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Nodes) == 0 {
			continue // the record comes soon
		}
		if s.Policy != "column" || s.Replicas != 2 || s.Nodes[0].Node != "n 1" || s.NoLeader != "" {
			t.Errorf("status %+v", s)
		}
		break
	}
	if err := c.Drain(t.Context(), "n 1"); err != nil || co.drain.GetNodeId() != "n 1" || co.drain.GetUndo() {
		t.Errorf("drain %v, %v", co.drain, err)
	}
	if err := c.Undrain(t.Context(), "n/1"); err != nil || co.drain.GetNodeId() != "n/1" || !co.drain.GetUndo() {
		t.Errorf("undrain %v, %v", co.drain, err)
	}
	for code, want := range map[codes.Code]int{codes.NotFound: 404, codes.FailedPrecondition: 409, codes.Unavailable: 503, codes.Internal: 500} {
		co.err = status.Error(code, "why")
		var refused *client.Error
		if err := c.Drain(t.Context(), "n"); !errors.As(err, &refused) || refused.Status != want || refused.Message != "why" {
			t.Errorf("%v is %v, want %d", code, err, want)
		}
	}
	if s, err := c.Status(t.Context()); err != nil || s.NoLeader == "" || len(s.Nodes) != 1 {
		t.Errorf("without an answer of the coordinator: %+v, %v", s, err)
	}
	if _, err := (&client.Client{}).Status(t.Context()); err == nil {
		t.Error("a client without a coordinator has a status")
	}
}
