package openai

import (
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// structuredOutput reads response_format, or structured_outputs; nil is any text.
func structuredOutput(r *httpapi.Reader) *completion.StructuredOutput {
	format, outputs := responseFormat(r), structuredOutputs(r)
	if format != nil && outputs != nil {
		r.Fault("structured_outputs", httpapi.CodeValue, "and response_format are both given, expected one of them")
	}
	if format == nil {
		return outputs
	}
	return format
}

func responseFormat(r *httpapi.Reader) *completion.StructuredOutput {
	const param = "response_format"
	inner := r.Inside(param)
	if inner == nil {
		return nil
	}
	kind := ""
	inner.Text("type", &kind)
	switch kind {
	case "text":
		return nil
	case "json_object":
		return completion.JSONObject(param)
	case "json_schema":
		deeper := inner.Inside("json_schema")
		if deeper == nil {
			inner.Fault("json_schema", httpapi.CodeMissing, "is missing")
			return nil
		}
		raw, ok := deeper.Value("schema", httpapi.KindObject)
		if !ok {
			deeper.Fault("schema", httpapi.CodeMissing, "is missing")
		}
		return completion.JSONSchema(deeper.Path("schema"), raw)
	}
	inner.Fault("type", httpapi.CodeValue, "is %q, expected text, json_object or json_schema", kind)
	return nil
}

// structuredOutputs reads an object with one of json, regex, choice and
// json_object.
func structuredOutputs(r *httpapi.Reader) *completion.StructuredOutput {
	const param = "structured_outputs"
	inner := r.Inside(param)
	if inner == nil {
		return nil
	}
	var found []*completion.StructuredOutput
	if raw, ok := inner.Any("json"); ok && httpapi.KindOf(raw) == httpapi.KindString {
		found = append(found, completion.JSONSchema(inner.Path("json"), []byte(httpapi.Text(raw))))
	} else if raw, ok := inner.Value("json", httpapi.KindObject); ok {
		found = append(found, completion.JSONSchema(inner.Path("json"), raw))
	}
	if inner.Has("regex") {
		var expression string
		inner.Text("regex", &expression)
		found = append(found, completion.Regex(inner.Path("regex"), expression))
	}
	if raw, ok := inner.Value("choice", httpapi.KindList); ok {
		texts, ok := httpapi.Texts(raw)
		if !ok || len(texts) == 0 {
			inner.Fault("choice", httpapi.CodeType, "is not a list of one or more texts")
		}
		found = append(found, completion.OneOf(inner.Path("choice"), texts))
	}
	var object bool
	if inner.Flag("json_object", &object); object {
		found = append(found, completion.JSONObject(param))
	}
	if len(found) != 1 {
		r.Fault(param, httpapi.CodeValue, "has %d of json, regex, choice and json_object, expected one", len(found))
		return nil
	}
	return found[0]
}
