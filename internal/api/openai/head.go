package openai

import (
	"encoding/json"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// head begins every answer.
type head struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"` // Unix time, seconds
	Model       string `json:"model"`
	Fingerprint string `json:"system_fingerprint"`
}

func (s *server) head(prefix, object string) head {
	return head{access.NewID(prefix), object, time.Now().Unix(), s.cfg.Model, s.cfg.Fingerprint}
}

// null is a usage that is there and says nothing: streams that will end with
// one have it in every chunk.
var null = json.RawMessage("null")

// finished is a delta's reason to finish; nil while there is none.
func finished(d completion.Delta) *engine.FinishReason {
	if d.Finish == engine.NotFinished {
		return nil
	}
	return &d.Finish
}
