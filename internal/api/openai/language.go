package openai

import (
	"encoding/json"

	"github.com/hachi-serve/hachi/internal/text/grammar"
)

// language is what an answer is kept to.
type language struct {
	param   string // where the client said so
	compile func(*grammar.Compiler) (*grammar.Grammar, error)
}

// language reads response_format, or structured_outputs; nil is any text.
func (r *reader) language() *language {
	format, outputs := r.responseFormat(), r.structuredOutputs()
	if format != nil && outputs != nil {
		r.fault("structured_outputs", codeValue, "and response_format are both there, expected one of them")
	}
	if format == nil {
		return outputs
	}
	return format
}

func (r *reader) responseFormat() *language {
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
		return &language{param, (*grammar.Compiler).Object}
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
		return schema(deeper.prefix+"schema", raw)
	}
	inner.fault("type", codeValue, "is %q, expected text, json_object or json_schema", kind)
	return nil
}

// structuredOutputs reads an object with one of json, regex, choice and
// json_object.
func (r *reader) structuredOutputs() *language {
	const param = "structured_outputs"
	inner := r.inside(param)
	if inner == nil {
		return nil
	}
	var found []*language
	if raw, ok := inner.f["json"]; ok && kindOf(raw) == "a string" {
		found = append(found, schema(inner.prefix+"json", json.RawMessage(asText(raw))))
	} else if raw, ok := inner.value("json", "an object"); ok {
		found = append(found, schema(inner.prefix+"json", raw))
	}
	if inner.f.has("regex") {
		var expression string
		inner.text("regex", &expression)
		found = append(found, &language{inner.prefix + "regex", func(c *grammar.Compiler) (*grammar.Grammar, error) { return c.Regex(expression) }})
	}
	if raw, ok := inner.value("choice", "a list"); ok {
		texts, ok := listOfTexts(raw)
		if !ok || len(texts) == 0 {
			inner.fault("choice", codeType, "is not a list of one or more texts")
		}
		found = append(found, &language{inner.prefix + "choice", func(c *grammar.Compiler) (*grammar.Grammar, error) { return c.Choice(texts) }})
	}
	var object bool
	if inner.flag("json_object", &object); object {
		found = append(found, &language{param, (*grammar.Compiler).Object})
	}
	if r.err = inner.err; len(found) != 1 {
		r.fault(param, codeValue, "has %d of json, regex, choice and json_object, expected one", len(found))
		return nil
	}
	return found[0]
}

func schema(param string, source json.RawMessage) *language {
	return &language{param, func(c *grammar.Compiler) (*grammar.Grammar, error) { return c.Schema(source) }}
}

// grammar makes the language for answers to a prompt.
func (s *Server) grammar(l *language, prompt []int32, newText bool) (*grammar.Grammar, error) {
	if l == nil {
		return nil, nil
	}
	if s.cfg.Completer.Grammars == nil {
		return nil, invalid(l.param, codeUnsupported, l.param+": this server does not keep answers to a language")
	}
	compiler, err := s.cfg.Completer.Grammars.For(prompt, newText)
	if err != nil {
		return nil, invalid(l.param, codeUnsupported, l.param+": "+err.Error())
	}
	g, err := l.compile(compiler)
	if err != nil {
		return nil, invalid(l.param, codeValue, l.param+": "+err.Error())
	}
	return g, nil
}
