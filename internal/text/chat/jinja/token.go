package jinja

// tokenKind is a part of a template's source.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenData
	tokenVariableBegin // {{
	tokenVariableEnd   // }}
	tokenBlockBegin    // {%
	tokenBlockEnd      // %}
	tokenName
	tokenString
	tokenInteger
	tokenFloat
	tokenOperator
)

type token struct {
	kind tokenKind
	text string // what is written; the value of a string
	line int
}

// is reports whether the token is this operator or name.
func (t token) is(text string) bool {
	return (t.kind == tokenOperator || t.kind == tokenName) && t.text == text
}

func (t token) describe() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the template"
	case tokenBlockEnd, tokenVariableEnd:
		return "the end of the tag"
	case tokenData:
		return "text"
	}
	return t.text
}
