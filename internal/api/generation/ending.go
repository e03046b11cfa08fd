package generation

import "github.com/hachi-serve/hachi/internal/api/httpapi"

// Stop reads the texts that end an answer: one, or a list of them.
func Stop(r *httpapi.Reader, name string) []string {
	raw, ok := r.Any(name)
	if !ok {
		return nil
	}
	var texts []string
	switch httpapi.KindOf(raw) {
	case httpapi.KindString:
		texts = []string{r.Decode(name, raw)}
	case httpapi.KindList:
		if texts, ok = r.Texts(name, raw); !ok {
			r.Fault(name, httpapi.CodeType, "has something else than texts in its list")
		}
	default:
		r.Fault(name, httpapi.CodeType, "is %s, expected a text or a list of texts", httpapi.KindOf(raw))
	}
	return texts
}

// stopTokens reads tokens that end the answer.
func (r reader) stopTokens() []int32 {
	const name = "stop_token_ids"
	list := r.List(name)
	tokens := make([]int32, len(list))
	for i, raw := range list {
		id, ok := httpapi.Whole(raw)
		if httpapi.KindOf(raw) != httpapi.KindNumber || !ok || id != int64(int32(id)) {
			r.Fault(name, httpapi.CodeValue, "has %s, expected tokens, 0 to %d", raw, r.vocab-1)
			return nil
		}
		tokens[i] = int32(id)
	}
	return tokens
}
