package openai

import (
	"fmt"
	"net/http"
	"strings"
)

// modelCard describes a model. MaxModelLen is the context, prompt and answer;
// Attributes are those that the template reads.
type modelCard struct {
	ID          string   `json:"id"`
	Object      string   `json:"object"`
	Created     int64    `json:"created"`
	OwnedBy     string   `json:"owned_by"`
	MaxModelLen int      `json:"max_model_len"`
	Attributes  []string `json:"attributes"`
}

func (s *Server) card() modelCard {
	return modelCard{s.cfg.Model, "model", s.created, "hachi", s.cfg.Completer.Context, s.cfg.Template.Attributes()}
}

// models answers GET /v1/models.
func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"object": "list", "data": []modelCard{s.card()}})
}

// oneModel answers GET /v1/models/{name}; a name may have slashes.
func (s *Server) oneModel(w http.ResponseWriter, r *http.Request) {
	if err := s.known(strings.TrimPrefix(r.URL.Path, "/v1/models/")); err != nil {
		fail(w, err)
		return
	}
	write(w, http.StatusOK, s.card())
}

// known checks a model's name; an empty one is this model.
func (s *Server) known(name string) error {
	if name == "" || name == s.cfg.Model {
		return nil
	}
	return newError(http.StatusNotFound, typeInvalid, "model", codeModel,
		fmt.Sprintf("the model %q does not exist; this server has %q", name, s.cfg.Model))
}
