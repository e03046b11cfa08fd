package api

import (
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// TestNearMissesOfAttributes are refused wherever an attribute, or attributes, might
// stand, and the error names what was probably meant. Other keys are named in the header.
func TestNearMissesOfAttributes(t *testing.T) {
	w := newWalker(t)
	routes := map[string]func(message, body map[string]any){
		"/v1/chat/completions":       func(m, body map[string]any) { body["messages"] = []any{m} },
		"/tokenize":                  func(m, body map[string]any) { body["messages"] = []any{m} },
		"/v1/responses":              func(m, body map[string]any) { body["input"] = []any{m} },
		"/v1/responses/input_tokens": func(m, body map[string]any) { body["input"] = []any{m} },
		"/v1/messages":               func(m, body map[string]any) { body["messages"], body["max_tokens"] = []any{m}, 7 },
		"/v1/messages/count_tokens":  func(m, body map[string]any) { body["messages"] = []any{m} },
	}
	const onMessage, inBody, inAttributes = "message", "body", "attributes"
	for _, tt := range []struct {
		where, key string
		value      any
		meant      string // "" is ignored and named
	}{
		{inBody, "humour", 3, "humor"}, {inBody, "Humor", 3, "humor"}, {inBody, "toxcity", 3, "toxicity"}, {inBody, "Help_Fulness", 3, "helpfulness"},
		{inBody, "creativty", "high", "creativity"}, {inBody, "complexitiy", 1, "complexity"}, {inBody, "humor", 3, "attributes"}, {inBody, "verbosity", "low", "attributes"},
		{inBody, "Attributes", map[string]any{"humor": 3}, "attributes"}, {inBody, "atributes", map[string]any{"humor": 3}, "attributes"},
		{inBody, "attribute", map[string]any{"humor": 3}, "attributes"}, {inBody, "attributs", map[string]any{}, "attributes"},
		{inBody, "humour", nil, ""}, {inBody, "user", "u", ""}, {inBody, "metadata2", 3, ""}, {inBody, "humidity", 3, ""}, {inBody, "quantity", 3, ""}, {inBody, "attrs", 3, ""},
		{onMessage, "humour", 3, "humor"}, {onMessage, "Toxicity", 3, "toxicity"}, {onMessage, "helpfullness", "high", "helpfulness"},
		{onMessage, "attributes", map[string]any{"humor": 3}, "beside role"}, {onMessage, "Attributes", map[string]any{}, "beside role"},
		{onMessage, "attributes", "bold", ""}, {onMessage, "timestamp", 3, ""}, {onMessage, "humour", nil, ""},
		{inAttributes, "humour", 3, "humor"}, {inAttributes, "Quality", 3, "quality"}, {inAttributes, "kindness", 3, "is not an attribute"},
	} {
		for route, put := range routes {
			message, body := map[string]any{"role": "user", "content": "x"}, map[string]any{}
			attributes := map[string]any{"humor": 1}
			path := map[string]string{inBody: tt.key, onMessage: "[0]." + tt.key, inAttributes: "attributes." + tt.key}[tt.where]
			map[string]map[string]any{inBody: body, onMessage: message, inAttributes: attributes}[tt.where][tt.key] = tt.value
			if put(message, body); tt.where == inAttributes {
				body["attributes"] = attributes
			}
			out := w.serve(request{route, body})
			ignored, said := strings.Join(out.Header().Values(httpapi.IgnoredHeader), " "), out.Body.String()
			switch {
			case tt.meant == "" && (out.Code != 200 || !strings.HasSuffix(ignored, path)):
				t.Errorf("%s: %s %s: %d, ignored %q: %s", route, tt.where, tt.key, out.Code, ignored, said)
			case tt.meant != "" && (out.Code != 400 || !strings.Contains(said, path+" is") || !strings.Contains(said, tt.meant)):
				t.Errorf("%s: %s %s: %d, want %q: %s", route, tt.where, tt.key, out.Code, tt.meant, said)
			}
		}
	}
}
