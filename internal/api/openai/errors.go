package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
)

// Codes of errors, as clients see them.
const (
	codeType        = "invalid_type"
	codeValue       = "invalid_value"
	codeMissing     = "missing_required_parameter"
	codeUnsupported = "unsupported_parameter"
	codeContext     = "context_length_exceeded"
	codeModel       = "model_not_found"
	codeURL         = "unknown_url"
	codeMethod      = "method_not_supported"
	codeTooLarge    = "request_too_large"
	codeTimeout     = "request_timeout"
	codeMediaType   = "unsupported_media_type"
	codeRate        = "rate_limit_exceeded"
)

const typeInvalid = "invalid_request_error"

// apiError is a failure as clients see it.
type apiError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *apiError) Error() string { return e.Message }

// newError makes an error; param and code may be empty.
func newError(status int, kind, param, code, message string) *apiError {
	e := &apiError{status: status, Message: message, Type: kind}
	if param != "" {
		e.Param = &param
	}
	if code != "" {
		e.Code = &code
	}
	return e
}

// invalid is a 400 about a parameter; param may be empty.
func invalid(param, code, message string) *apiError {
	return newError(http.StatusBadRequest, typeInvalid, param, code, message)
}

// badPrompt names the parameter that a prompt's failure is about; other errors
// stay as they are.
func badPrompt(param string, err error) error {
	var long *completion.ContextError
	var token *completion.TokenError
	switch {
	case errors.As(err, &long):
		return invalid(param, codeContext, param+": "+err.Error())
	case errors.As(err, &token), errors.Is(err, completion.ErrEmpty):
		return invalid(param, codeValue, param+": "+err.Error())
	}
	return err
}

// toAPI finds the status of any failure.
func toAPI(err error) *apiError {
	var api *apiError
	var param *sampler.ParamError
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &param):
		return invalid(param.Param, codeValue, err.Error())
	case kindIs(err, moe.Invalid), errors.Is(err, sampler.ErrNoToken):
		return invalid("", codeValue, err.Error())
	case errors.Is(err, scheduler.ErrQueueFull):
		return newError(http.StatusTooManyRequests, "rate_limit_error", "", codeRate, err.Error()+": try again later")
	case errors.Is(err, context.DeadlineExceeded):
		return newError(http.StatusGatewayTimeout, "timeout_error", "", "", "the request's deadline has passed before the answer was complete")
	case errors.Is(err, context.Canceled):
		return newError(statusClientGone, "canceled", "", "", "the client has gone")
	case errors.Is(err, engine.ErrStopped), kindIs(err, moe.NoReplica):
		return newError(http.StatusServiceUnavailable, "server_error", "", "", err.Error())
	}
	return newError(http.StatusInternalServerError, "server_error", "", "", err.Error())
}

// statusClientGone is never seen by a client; it is nginx's number.
const statusClientGone = 499

func kindIs(err error, kind moe.Kind) bool {
	var e *moe.Error
	return errors.As(err, &e) && e.Kind == kind
}

// fail writes an error answer.
func fail(w http.ResponseWriter, err error) {
	e := toAPI(err)
	switch e.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "1")
		}
	case http.StatusGatewayTimeout:
		// OpenAI's clients would ask again, and wait for as long again.
		w.Header().Set("X-Should-Retry", "false")
	}
	write(w, e.status, map[string]any{"error": e})
}

// write sends a whole answer.
func write(w http.ResponseWriter, status int, body any) {
	var buf bytes.Buffer
	out := json.NewEncoder(&buf)
	out.SetEscapeHTML(false)
	if err := out.Encode(body); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that is gone cannot be told.
	_, _ = w.Write(buf.Bytes())
}
