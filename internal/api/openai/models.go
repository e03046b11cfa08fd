package openai

import (
	"net/http"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// modelCard describes a model. MaxModelLen is the context, prompt and answer;
// Attributes are those that the template reads; Sampling is how a token is drawn for
// a request that does not say so.
type modelCard struct {
	ID          string                      `json:"id"`
	Object      string                      `json:"object"`
	Created     int64                       `json:"created"`
	OwnedBy     string                      `json:"owned_by"`
	MaxModelLen int                         `json:"max_model_len"`
	Attributes  []string                    `json:"attributes"`
	Sampling    completion.SamplingDefaults `json:"default_sampling_params"`
}

func (s *server) card() modelCard {
	return modelCard{s.cfg.Model, "model", s.created, "hachi", s.cfg.Completer.Context, s.cfg.Template.Attributes(), s.cfg.SamplingDefaults()}
}

// models answers GET /v1/models.
func (s *server) models(w http.ResponseWriter, _ *http.Request) {
	httpapi.WriteJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []modelCard{s.card()}})
}

// oneModel answers GET /v1/models/{name}; a name may have slashes.
func (s *server) oneModel(w http.ResponseWriter, r *http.Request) {
	if err := generation.KnownModel(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1/models"), "/"), s.cfg.Model); err != nil {
		httpapi.Fail(w, err)
		return
	}
	httpapi.WriteJSON(w, http.StatusOK, s.card())
}
