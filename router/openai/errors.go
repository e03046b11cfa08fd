package openai

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/sampler"
	"github.com/hachi-serve/hachi/router/scheduler"
)

// apiError is a failure as clients see it.
type apiError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *apiError) Error() string { return e.Message }

// invalid is a 400 about a parameter; param may be empty.
func invalid(param, message string) *apiError {
	e := &apiError{status: http.StatusBadRequest, Message: message, Type: "invalid_request_error"}
	if param != "" {
		e.Param = &param
	}
	return e
}

// toAPI finds the status of any failure.
func toAPI(err error) *apiError {
	var api *apiError
	var param *sampler.ParamError
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &param):
		return invalid(param.Param, err.Error())
	case errors.Is(err, scheduler.ErrQueueFull):
		return &apiError{status: http.StatusTooManyRequests, Message: err.Error(), Type: "rate_limit_error"}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{status: http.StatusGatewayTimeout, Message: "the request's deadline has passed", Type: "timeout_error"}
	case errors.Is(err, engine.ErrStopped), kindIs(err, moe.NoReplica):
		return &apiError{status: http.StatusServiceUnavailable, Message: err.Error(), Type: "server_error"}
	case kindIs(err, moe.Invalid):
		return invalid("", err.Error())
	}
	return &apiError{status: http.StatusInternalServerError, Message: err.Error(), Type: "server_error"}
}

func kindIs(err error, kind moe.Kind) bool {
	var e *moe.Error
	return errors.As(err, &e) && e.Kind == kind
}

// fail writes an error answer.
func fail(w http.ResponseWriter, err error) {
	e := toAPI(err)
	if e.status == http.StatusTooManyRequests || e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	write(w, e.status, map[string]any{"error": e})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that is gone cannot be told.
	_ = json.NewEncoder(w).Encode(body)
}
