package generation

import (
	"context"
	"errors"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
)

// Renamed gives a fault of a conversation the name that its parameter has in an
// API; other errors stay as they are.
func Renamed(err error, name func(param string) string) error {
	var fault *completion.Fault
	if !errors.As(err, &fault) {
		return err
	}
	return &completion.Fault{Param: name(fault.Param), Code: fault.Code, Err: fault.Err}
}

// NoteUsage counts the tokens of an answer for the log line of its request.
func NoteUsage(ctx context.Context, reader *completion.Reader) {
	r := access.FromContext(ctx)
	r.PromptTokens, r.CompletionTokens = len(reader.Prompt()), reader.Generated
}
