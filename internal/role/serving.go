package role

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/chat"
)

// attributes parses the server's SteerLM defaults.
func (s ServingConfig) attributes() (chat.Attributes, error) {
	out, err := chat.ParseAttributes(s.Attributes)
	if err != nil {
		return nil, fmt.Errorf("--attribute: %w", err)
	}
	return out, nil
}
