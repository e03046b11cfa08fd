package console

import (
	"context"
	"encoding/json"
	"net/http"
)

// Chat answers conversations with the model of the process.
type Chat interface {
	// Attributes are the names of all attributes, with those that the model reads.
	Attributes() []Attribute
	// Answer says the answer to a question token by token, and returns why it ended.
	Answer(ctx context.Context, q Question, say func(Spoken) error) (finish string, err error)
}

// Attribute steers an answer, from 0 to 4.
type Attribute struct {
	Name string
	Read bool // by the model's template
}

// Question is a conversation whose last turn is to be answered.
type Question struct {
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	Attributes  map[string]int `json:"attributes"`
	MaxTokens   int            `json:"max_tokens"`
	Temperature float64        `json:"temperature"`
}

// Spoken is a piece of an answer, a token in most cases.
type Spoken struct {
	Text string `json:"text"`
	// Nodes computed experts for the step that drew it.
	Nodes []string `json:"nodes,omitempty"`
}

// chatBody is what the page of the chat shows.
type chatBody struct {
	MayAct, Serves bool
	Attributes     []Attribute
}

func (c *Console) chat(v view) any {
	return chatBody{v.who.MayAct, v.state.Verdict().Serves, c.Chat.Attributes()}
}

// maxQuestion bounds a question, bytes.
const maxQuestion = 1 << 20

// answer streams an answer as lines of JSON.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, who Person) error {
	var q Question
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
	in.DisallowUnknownFields()
	if err := in.Decode(&q); err != nil {
		return &pageError{http.StatusBadRequest, "the question cannot be read: " + err.Error()}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out, flush := json.NewEncoder(w), http.NewResponseController(w).Flush
	finish, err := c.Chat.Answer(r.Context(), q, func(s Spoken) error {
		if err := out.Encode(s); err != nil {
			return err
		}
		return flush()
	})
	last := map[string]string{"finish": finish}
	if err != nil {
		c.Logger.Debug("an answer of the console failed", "operator", who.name(), "err", err)
		last = map[string]string{"error": err.Error()}
	}
	_ = out.Encode(last) // a browser that is gone reads nothing
	return nil
}
