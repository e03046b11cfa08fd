package mix

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Fold is an answer of /v1/completions or /v1/chat/completions, whole or streamed,
// without what differs between two runs that no fault disturbs: names, times, hits of
// the prefix cache, and where a stream is cut into events. A stream without its end, or
// with an error, is an error.
func Fold(answer string) (string, error) {
	events := []string{answer}
	if !strings.HasPrefix(answer, "{") {
		if !strings.HasSuffix(answer, "data: [DONE]\n\n") {
			return "", fmt.Errorf("a stream without its end: %q", answer)
		}
		events = nil
		for _, line := range strings.Split(answer, "\n") {
			if data, ok := strings.CutPrefix(line, "data: "); ok && data != "[DONE]" {
				events = append(events, data)
			}
		}
	}
	var whole any
	for _, event := range events {
		var v map[string]any
		if err := json.Unmarshal([]byte(event), &v); err != nil {
			return "", fmt.Errorf("%q: %w", event, err)
		}
		if v["error"] != nil {
			return "", fmt.Errorf("the answer failed: %s", event)
		}
		for _, name := range []string{"id", "created"} {
			delete(v, name)
		}
		if usage, ok := v["usage"].(map[string]any); ok {
			delete(usage, "prompt_tokens_details")
		}
		whole = fold(whole, v)
	}
	raw, err := json.Marshal(whole)
	return string(raw), err
}

// fold joins two values of a stream: texts and lists one after another, elements with
// an index by it.
func fold(a, b any) any {
	switch b := b.(type) {
	case map[string]any:
		a, ok := a.(map[string]any)
		if !ok {
			a = map[string]any{}
		}
		for name, v := range b {
			switch name {
			case "index", "object", "model", "role", "system_fingerprint", "type", "id", "service_tier":
				a[name] = v
			default:
				a[name] = fold(a[name], v)
			}
		}
		return a
	case []any:
		list, _ := a.([]any)
		for _, v := range b {
			m, ok := v.(map[string]any)
			i, indexed := m["index"].(float64)
			if !ok || !indexed {
				list = append(list, v)
				continue
			}
			for len(list) <= int(i) {
				list = append(list, nil)
			}
			list[int(i)] = fold(list[int(i)], m)
		}
		return list
	case string:
		text, _ := a.(string)
		return text + b
	case nil:
		return a
	}
	return b
}
