package generation

import (
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// param has the attributes of a request.
const param = "attributes"

// Attributes reads those of a request, for every user message.
func Attributes(r *httpapi.Reader, t *chat.Template) chat.Attributes {
	in := r.Inside(param)
	if in == nil {
		return nil
	}
	request := chat.Attributes{}
	for _, name := range in.Names() {
		if !IsAttribute(name) {
			in.Fault(name, httpapi.CodeValue, "is not an attribute%s", suggestion(name))
		}
		attribute(in, name, request, t)
	}
	return request
}

// MessageAttributes reads the attributes beside the role and content of a user
// message. What resembles an attribute is refused, other keys are not read.
func MessageAttributes(r *httpapi.Reader, role string, t *chat.Template) chat.Attributes {
	out := chat.Attributes{}
	for _, name := range r.Names() {
		known := IsAttribute(name)
		switch {
		case known && r.Has(name) && role != "user":
			r.Fault(name, httpapi.CodeValue, "is on a message of role %s: attributes belong on user messages", role)
		case known:
			attribute(r, name, out, t)
		case r.Has(name) && chat.ResembledAttribute(name) != "":
			r.Fault(name, httpapi.CodeValue, "is not an attribute%s", suggestion(name))
		case chat.Resembles(name, param):
			refuseObject(r, name)
		}
	}
	return out
}

// refuseObject refuses attributes in an object of their own on a message. Another
// value is ignored.
func refuseObject(r *httpapi.Reader, name string) {
	if raw, _ := r.Any(name); httpapi.KindOf(raw) == httpapi.KindObject {
		r.Fault(name, httpapi.CodeUnsupported, "is not read: attributes are keys of the message itself, beside role and content")
	}
	r.Ignore(name)
}

// attribute reads one that the model's template reads too.
func attribute(r *httpapi.Reader, name string, out chat.Attributes, t *chat.Template) {
	var v int
	r.Integer(name, &v)
	if r.Err() != nil || !r.Has(name) {
		return
	}
	one := chat.Attributes{name: v}
	if err := one.Validate(); err != nil {
		r.Fault(name, httpapi.CodeValue, "is %d: %v", v, err)
	}
	if t.CheckAttributes(one) != nil {
		r.Fault(name, httpapi.CodeUnsupported, "is not read by the model's template")
	}
	out[name] = v
}

// RefuseAttributes refuses attributes among the parameters of a request, and names
// that resemble one or "attributes". Call it when all others were read.
func RefuseAttributes(r *httpapi.Reader) {
	r.Unread(func(name string) {
		switch {
		case IsAttribute(name) && !r.Has(name):
			r.Accept(name)
		case !r.Has(name):
		case IsAttribute(name):
			r.Fault(name, httpapi.CodeUnsupported, "is an attribute: it belongs in attributes, or on a user message")
		case chat.ResembledAttribute(name) != "":
			r.Fault(name, httpapi.CodeUnsupported, "is not a parameter%s An attribute belongs in attributes, or on a user message", suggestion(name))
		case name != param && chat.Resembles(name, param):
			r.Fault(name, httpapi.CodeUnsupported, "is not a parameter: did you mean %s?", param)
		}
	})
}

// IsAttribute reports whether a name is an attribute's.
func IsAttribute(name string) bool { return chat.Attributes{name: 0}.Validate() == nil }

// suggestion is the end of a message about a name that is not an attribute.
func suggestion(name string) string {
	if near := chat.ResembledAttribute(name); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}
