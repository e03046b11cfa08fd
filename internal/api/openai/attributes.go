package openai

import (
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// attributes are the request's own for every user message.
func (s *server) attributes(r *httpapi.Reader) chat.Attributes {
	in := r.Inside("attributes")
	if in == nil {
		return nil
	}
	request := chat.Attributes{}
	for _, name := range in.Names() {
		if !isAttribute(name) {
			in.Fault(name, httpapi.CodeValue, "is not an attribute%s", suggestion(name))
		}
		s.attribute(in, name, request)
	}
	return request
}

// messageAttributes are the numbers beside the role and content of a user
// message. What resembles an attribute is refused, other keys are not read.
func (s *server) messageAttributes(r *httpapi.Reader, role string) chat.Attributes {
	out := chat.Attributes{}
	for _, name := range r.Names() {
		known := isAttribute(name)
		switch {
		case known && r.Has(name) && role != "user":
			r.Fault(name, httpapi.CodeValue, "is on a message of role %s: attributes belong on user messages", role)
		case known:
			s.attribute(r, name, out)
		case r.Has(name) && chat.ResembledAttribute(name) != "":
			r.Fault(name, httpapi.CodeValue, "is not an attribute%s", suggestion(name))
		}
	}
	return out
}

// attribute reads one that the model's template reads too.
func (s *server) attribute(r *httpapi.Reader, name string, out chat.Attributes) {
	var v int
	r.Integer(name, &v)
	if r.Err() != nil || !r.Has(name) {
		return
	}
	one := chat.Attributes{name: v}
	if err := one.Validate(); err != nil {
		r.Fault(name, httpapi.CodeValue, "is %d: %v", v, err)
	}
	if s.cfg.Template.CheckAttributes(one) != nil {
		r.Fault(name, httpapi.CodeUnsupported, "is not read by the model's template")
	}
	out[name] = v
}

func isAttribute(name string) bool { return chat.Attributes{name: 0}.Validate() == nil }

// suggestion is the end of a message about a name that is not an attribute.
func suggestion(name string) string {
	if near := chat.ResembledAttribute(name); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}
