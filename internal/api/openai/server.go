package openai

import (
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/logprobs"
)

// server answers the API's requests.
type server struct {
	cfg     httpapi.Config
	created int64 // Unix time, seconds
	namer   logprobs.Namer
}

// New makes the API.
func New(cfg httpapi.Config) httpapi.API {
	s := &server{cfg: cfg, created: time.Now().Unix(), namer: logprobs.NewNamer(cfg.Completer.Tokenizer)}
	return httpapi.API{
		Shape: Shape,
		Routes: map[string]httpapi.Methods{
			"/v1/chat/completions": {http.MethodPost: cfg.Post(s.chat)},
			"/v1/completions":      {http.MethodPost: cfg.Post(s.completions)},
			"/tokenize":            {http.MethodPost: cfg.Post(s.tokenize)},
			"/detokenize":          {http.MethodPost: cfg.Post(s.detokenize)},
			"/v1/models":           {http.MethodGet: s.models},
			"/v1/models/":          {http.MethodGet: s.oneModel},
		},
	}
}
