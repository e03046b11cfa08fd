package openai

import "github.com/hachi-serve/hachi/internal/api/completion"

// structuredOutput reads response_format, or structured_outputs; nil is any text.
func (r *reader) structuredOutput() *completion.StructuredOutput {
	format, outputs := r.responseFormat(), r.structuredOutputs()
	if format != nil && outputs != nil {
		r.fault("structured_outputs", codeValue, "and response_format are both given, expected one of them")
	}
	if format == nil {
		return outputs
	}
	return format
}

func (r *reader) responseFormat() *completion.StructuredOutput {
	const param = "response_format"
	inner := r.inside(param)
	if inner == nil {
		return nil
	}
	defer func() { r.err = inner.err }()
	kind := ""
	inner.text("type", &kind)
	switch kind {
	case "text":
		return nil
	case "json_object":
		return completion.JSONObject(param)
	case "json_schema":
		deeper := inner.inside("json_schema")
		if deeper == nil {
			inner.fault("json_schema", codeMissing, "is missing")
			return nil
		}
		raw, ok := deeper.value("schema", "an object")
		if !ok {
			deeper.fault("schema", codeMissing, "is missing")
		}
		inner.err = deeper.err
		return completion.JSONSchema(deeper.prefix+"schema", raw)
	}
	inner.fault("type", codeValue, "is %q, expected text, json_object or json_schema", kind)
	return nil
}

// structuredOutputs reads an object with one of json, regex, choice and
// json_object.
func (r *reader) structuredOutputs() *completion.StructuredOutput {
	const param = "structured_outputs"
	inner := r.inside(param)
	if inner == nil {
		return nil
	}
	var found []*completion.StructuredOutput
	if raw, ok := inner.f["json"]; ok && kindOf(raw) == "a string" {
		found = append(found, completion.JSONSchema(inner.prefix+"json", []byte(asText(raw))))
	} else if raw, ok := inner.value("json", "an object"); ok {
		found = append(found, completion.JSONSchema(inner.prefix+"json", raw))
	}
	if inner.f.has("regex") {
		var expression string
		inner.text("regex", &expression)
		found = append(found, completion.Regex(inner.prefix+"regex", expression))
	}
	if raw, ok := inner.value("choice", "a list"); ok {
		texts, ok := listOfTexts(raw)
		if !ok || len(texts) == 0 {
			inner.fault("choice", codeType, "is not a list of one or more texts")
		}
		found = append(found, completion.OneOf(inner.prefix+"choice", texts))
	}
	var object bool
	if inner.flag("json_object", &object); object {
		found = append(found, completion.JSONObject(param))
	}
	if r.err = inner.err; len(found) != 1 {
		r.fault(param, codeValue, "has %d of json, regex, choice and json_object, expected one", len(found))
		return nil
	}
	return found[0]
}
