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

// ignoreOutput names the structured output of an answer that has no text.
func ignoreOutput(r *httpapi.Reader) {
	for _, name := range []string{"response_format", "structured_outputs"} {
		if r.Has(name) {
			r.Ignore(name)
		}
	}
}

// responseFormat reads an object with a type. A schema stands in it or, as OpenAI
// has it, in its json_schema; it is obeyed with both types of JSON.
func responseFormat(r *httpapi.Reader) *completion.StructuredOutput {
	const param = "response_format"
	in := r.Inside(param)
	if in == nil {
		return nil
	}
	kind := ""
	in.Text("type", &kind)
	schema := formatSchema(in)
	switch {
	case kind == "text" && schema != nil:
		in.Fault("type", httpapi.CodeValue, "is text, and a schema is given: expected json_schema or no schema")
	case kind == "text":
	case kind == "json_object" && schema == nil:
		return completion.JSONObject(param)
	case kind == "json_object", kind == "json_schema" && schema != nil:
		return schema
	case kind == "json_schema" && in.Has("json_schema"):
		in.Fault("json_schema.schema", httpapi.CodeMissing, "is missing: what the answer must satisfy")
	case kind == "json_schema":
		in.Require("json_schema", "an object with the schema that the answer must satisfy")
	default:
		in.Fault("type", httpapi.CodeValue, "is %q, expected text, json_object or json_schema", kind)
	}
	return nil
}

// formatSchema reads the schema of a response format, wherever it stands; nil is
// none.
func formatSchema(r *httpapi.Reader) *completion.StructuredOutput {
	var schema *completion.StructuredOutput
	read := func(in *httpapi.Reader) {
		if raw, ok := in.Value("schema", httpapi.KindObject); ok {
			if schema != nil {
				in.Fault("schema", httpapi.CodeValue, "is given twice, expected one schema")
			}
			schema = completion.JSONSchema(in.Path("schema"), raw)
		}
	}
	read(r)
	if in := r.Inside("json_schema"); in != nil {
		var name string
		var strict bool // a schema is always obeyed
		in.Text("name", &name)
		in.Flag("strict", &strict)
		read(in)
	}
	return schema
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
		found = append(found, completion.JSONSchema(inner.Path("json"), []byte(inner.Decode("json", raw))))
	} else if raw, ok := inner.Value("json", httpapi.KindObject); ok {
		found = append(found, completion.JSONSchema(inner.Path("json"), raw))
	}
	if inner.Has("regex") {
		var expression string
		inner.Text("regex", &expression)
		found = append(found, completion.Regex(inner.Path("regex"), expression))
	}
	if raw, ok := inner.Value("choice", httpapi.KindList); ok {
		texts, ok := inner.Texts("choice", raw)
		if !ok || len(texts) == 0 {
			inner.Fault("choice", httpapi.CodeType, "is not a list of one or more texts")
		}
		found = append(found, completion.OneOf(inner.Path("choice"), texts))
	}
	var object bool
	if inner.Flag("json_object", &object); object {
		found = append(found, completion.JSONObject(param))
	}
	for _, name := range []string{"grammar", "structural_tag"} {
		if inner.Accept(name); inner.Has(name) {
			inner.Fault(name, httpapi.CodeUnsupported, "is not supported")
		}
	}
	if len(found) != 1 {
		r.Fault(param, httpapi.CodeValue, "has %d of json, regex, choice and json_object, expected one", len(found))
		return nil
	}
	return found[0]
}
