package status

import (
	"context"
	"encoding/json"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Coordinator is the part of the service that the handler needs.
type Coordinator interface {
	GetStatus(context.Context, *hachiv1.GetStatusRequest) (*hachiv1.GetStatusResponse, error)
	DrainNode(context.Context, *hachiv1.DrainNodeRequest) (*hachiv1.DrainNodeResponse, error)
}

// Handler serves the status API over HTTP: the status as JSON, and requests to
// drain a node.
func Handler(reg *registry.Registry, c Coordinator) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		view, err := Read(r.Context(), reg)
		if err != nil {
			Refuse(w, status.Error(codes.Unavailable, err.Error()))
			return
		}
		seen, why := c.GetStatus(r.Context(), &hachiv1.GetStatusRequest{})
		write(w, http.StatusOK, Describe(view, seen, why))
	})
	drain := func(undo bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if _, err := c.DrainNode(r.Context(), &hachiv1.DrainNodeRequest{NodeId: r.PathValue("node"), Undo: undo}); err != nil {
				Refuse(w, err)
				return
			}
			write(w, http.StatusOK, struct{}{})
		}
	}
	mux.HandleFunc("PUT /v1/nodes/{node}/drain", drain(false))
	mux.HandleFunc("DELETE /v1/nodes/{node}/drain", drain(true))
	return mux
}

// Refuse answers with the error object of the other HTTP API.
func Refuse(w http.ResponseWriter, err error) {
	type object struct {
		Message string `json:"message"`
		Type    string `json:"type"`
	}
	code, kind := http.StatusInternalServerError, "server_error"
	switch status.Code(err) {
	case codes.NotFound:
		code, kind = http.StatusNotFound, "invalid_request_error"
	case codes.FailedPrecondition: // another coordinator leads
		code, kind = http.StatusConflict, "invalid_request_error"
	case codes.Unauthenticated:
		code, kind = http.StatusUnauthorized, "authentication_error"
	case codes.PermissionDenied:
		code, kind = http.StatusForbidden, "permission_error"
	case codes.Unavailable:
		code = http.StatusServiceUnavailable
	}
	write(w, code, map[string]object{"error": {status.Convert(err).Message(), kind}})
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone hears nothing
}
