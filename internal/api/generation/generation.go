package generation

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// Options are the parameters that a request has in any API.
type Options struct {
	// Request has what was read; its prompt, its length and its stop texts are the
	// API's to add.
	Request completion.Request
	Timeout time.Duration // the client's own; 0 is none
}

// reader reads parameters of a request to a model.
type reader struct {
	*httpapi.Reader
	vocab int // of the model, for messages
}

// Read reads the parameters of a call. A fault is kept by the call's body.
func Read(c *httpapi.Call, s completion.Service) Options {
	r := reader{c.Body, s.Completer.Tokenizer.Vocab()}
	var o Options
	q := &o.Request
	q.ID, q.Arrived = access.FromContext(c.Context).ID, c.Arrived
	q.Logprobs = -1
	s.SamplingDefaults().Apply(&q.Request)
	q.Params = r.sampling(q.Params)
	q.StopTokens = r.stopTokens()
	r.Flag("ignore_eos", &q.IgnoreEOS)
	r.cacheSalt(&q.CacheSalt)
	q.FailFast = r.failFast()
	r.Integer("priority", &q.Priority)
	o.Timeout = r.timeout()
	return o
}

// Within bounds a request in time as its client wants; the server's deadline
// holds anyway.
func (o Options) Within(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.Timeout)
}

// timeout reads the client's own deadline, seconds.
func (r reader) timeout() time.Duration {
	var seconds float64
	if r.Number("timeout", &seconds); seconds <= 0 && r.Has("timeout") {
		r.Fault("timeout", httpapi.CodeValue, "is %v seconds, expected more than 0", seconds)
	}
	const maxTimeout = 365 * 24 * time.Hour // far beyond any server's deadline
	return time.Duration(min(seconds, maxTimeout.Seconds()) * float64(time.Second))
}

// cacheSalt reads whose prefix cache a request shares.
func (r reader) cacheSalt(v *string) {
	if r.Text("cache_salt", v); *v == "" && r.Has("cache_salt") {
		r.Fault("cache_salt", httpapi.CodeValue, "is empty, expected a text, or no cache_salt for the common cache")
	}
}

// failFast reads whether a missing expert ends the request.
func (r reader) failFast() bool {
	policy := "wait"
	r.Text("on_missing_expert", &policy)
	if policy != "wait" && policy != "fail" {
		r.Fault("on_missing_expert", httpapi.CodeValue, "is %q, expected wait or fail", policy)
	}
	return policy == "fail"
}

// CheckModel reads the model that a request is for; none is the served one.
func CheckModel(r *httpapi.Reader, served string) {
	var name string
	if r.Text("model", &name); r.Err() == nil {
		r.Fail(KnownModel(name, served))
	}
}

// KnownModel checks a model's name; an empty one is the served model.
func KnownModel(name, served string) error {
	if name == "" || name == served {
		return nil
	}
	return &httpapi.Error{
		Status: http.StatusNotFound, Type: failure.TypeInvalid, Param: "model", Code: httpapi.CodeModel,
		Message: fmt.Sprintf("the model %q does not exist; this server has %q", name, served),
	}
}

// argsParam has variables for the chat template.
const argsParam = "chat_template_kwargs"

// TemplateArgs reads variables for the chat template, which may be of any kind; it
// is never nil.
func TemplateArgs(r *httpapi.Reader, t *chat.Template) map[string]any {
	args := map[string]any{}
	in := r.Inside(argsParam)
	if in == nil {
		return args
	}
	for _, name := range in.Names() {
		raw, ok := in.Any(name)
		if ok && t.Reserves(name) {
			in.Fault(name, httpapi.CodeValue, "is a variable that the server sets")
		}
		if ok {
			args[name] = raw
		}
	}
	return args
}

// SetArg sets a variable for the chat template by another parameter, which is at a path
// of the body. Both are not given together.
func SetArg(body *httpapi.Reader, args map[string]any, name string, v any, path string) {
	if _, given := args[name]; given {
		body.Fault(argsParam+"."+name, httpapi.CodeValue, "and %s are both given, expected one of them", path)
	}
	args[name] = v
}

// IgnoreArg names a variable that the chat template does not read.
func IgnoreArg(r *httpapi.Reader, name string) { r.Ignore(argsParam + "." + name) }
