package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/hachi-serve/hachi/internal/text/chat/jinja"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// maxValueDepth bounds the nesting of JSON that a template gets.
const maxValueDepth = 100

// jsonValue is a JSON value for a template, as Python's json.loads makes it. Its
// texts are written by from.
func jsonValue(raw []byte, from int32) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := decodeValue(d, from, 0)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	return v, err
}

func decodeValue(d *json.Decoder, from int32, depth int) (any, error) {
	if depth > maxValueDepth {
		return nil, fmt.Errorf("JSON nested deeper than %d", maxValueDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case string:
		return jinja.Data(t, from), nil
	case json.Number:
		return numberValue(t, from), nil
	case json.Delim:
		if t == '{' {
			return decodeObject(d, from, depth)
		}
		return decodeList(d, from, depth)
	}
	return token, nil // a boolean or null
}

func decodeObject(d *json.Decoder, from int32, depth int) (any, error) {
	out := jinja.Object()
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeValue(d, from, depth+1)
		if err != nil {
			return nil, err
		}
		out.Set(jinja.Data(name.(string), from), v)
	}
	_, err := d.Token()
	return out, err
}

func decodeList(d *json.Decoder, from int32, depth int) (any, error) {
	out := jinja.List{}
	for d.More() {
		v, err := decodeValue(d, from, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.Token()
	return out, err
}

// numberValue is an integer or a float; a number that neither holds stays text.
func numberValue(n json.Number, from int32) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return jinja.Data(n.String(), from)
}

// toolValues are tools in the form that transformers gives to templates.
func toolValues(tools []tool.Tool, from int32) (jinja.List, error) {
	list := jinja.List{}
	for _, t := range tools {
		parameters, err := jsonValue(t.Schema(), from)
		if err != nil {
			return nil, fmt.Errorf("the parameters of %s: %w", t.Name, err)
		}
		function := jinja.Object("name", jinja.Data(t.Name, from), "description", jinja.Data(t.Description, from), "parameters", parameters)
		list = append(list, jinja.Object("type", jinja.Own("function"), "function", function))
	}
	return list, nil
}

// callValues are calls in the form that transformers gives to templates. Arguments
// that are no JSON stay text.
func callValues(calls []tool.Call, from int32) jinja.List {
	list := jinja.List{}
	for _, c := range calls {
		var arguments any = jinja.Object()
		if c.Arguments != "" {
			var err error
			if arguments, err = jsonValue([]byte(c.Arguments), from); err != nil {
				arguments = jinja.Data(c.Arguments, from)
			}
		}
		function := jinja.Object("name", jinja.Data(c.Name, from), "arguments", arguments)
		list = append(list, jinja.Object("id", jinja.Data(c.ID, from), "type", jinja.Own("function"), "function", function))
	}
	return list
}
