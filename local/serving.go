package local

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/model/chat"
)

// attributes parses the server's SteerLM defaults.
func (s ServingConfig) attributes() (chat.Attributes, error) {
	out := chat.Attributes{}
	for _, pair := range s.Attributes {
		name, text, ok := strings.Cut(pair, "=")
		value, err := strconv.Atoi(text)
		if !ok || err != nil {
			return nil, fmt.Errorf("--attribute %q: want NAME=NUMBER", pair)
		}
		out[name] = value
	}
	if err := out.Validate(); err != nil {
		return nil, fmt.Errorf("--attribute: %w", err)
	}
	return out, nil
}
