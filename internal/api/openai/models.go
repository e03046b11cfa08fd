package openai

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
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

func (s *server) card() modelCard {
	return modelCard{s.cfg.Model, "model", s.created, "hachi", s.cfg.Completer.Context, s.cfg.Template.Attributes()}
}

// models answers GET /v1/models.
func (s *server) models(w http.ResponseWriter, _ *http.Request) {
	httpapi.WriteJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []modelCard{s.card()}})
}

// oneModel answers GET /v1/models/{name}; a name may have slashes.
func (s *server) oneModel(w http.ResponseWriter, r *http.Request) {
	if err := s.known(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1/models"), "/")); err != nil {
		httpapi.Fail(w, err)
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, s.card())
}

// known checks a model's name; an empty one is this model.
func (s *server) known(name string) error {
	if name == "" || name == s.cfg.Model {
		return nil
	}
	return &httpapi.Error{
		Status: http.StatusNotFound, Type: failure.TypeInvalid, Param: "model", Code: httpapi.CodeModel,
		Message: fmt.Sprintf("the model %q does not exist; this server has %q", name, s.cfg.Model),
	}
}

// checkModel reads the model that a request is for.
func (s *server) checkModel(r *httpapi.Reader) {
	var name string
	if r.Text("model", &name); r.Err() == nil {
		r.Fail(s.known(name))
	}
}
