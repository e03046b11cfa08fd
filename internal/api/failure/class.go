package failure

import (
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/moe"
)

// Types of errors, as OpenAI's clients and the metrics know them.
const (
	TypeInvalid  = "invalid_request_error"
	TypeRate     = "rate_limit_error"
	TypeTimeout  = "timeout_error"
	TypeServer   = "server_error"
	TypeCanceled = "canceled"
)

// Codes of errors, as OpenAI's clients know them; completion has the others.
const (
	CodeContext    = "context_length_exceeded"
	CodeRate       = "rate_limit_exceeded"
	CodeKey        = "invalid_api_key"
	CodePermission = "permission_denied"
	CodeBudget     = "insufficient_quota"
)

// StatusClientGone is the HTTP status of a request whose client has gone. No
// client sees it; the number is nginx's.
const StatusClientGone = 499

// Class is what an error means to a client.
type Class struct {
	Status  int // of HTTP
	GRPC    codes.Code
	Type    string // the error's type, and the outcome in metrics
	Code    string // OpenAI's code; "" is none
	Param   string // the request's parameter at fault; "" is none
	Message string
}

var (
	invalid     = Class{Status: http.StatusBadRequest, GRPC: codes.InvalidArgument, Type: TypeInvalid, Code: completion.CodeValue}
	tooLong     = Class{Status: http.StatusBadRequest, GRPC: codes.InvalidArgument, Type: TypeInvalid, Code: CodeContext}
	overloaded  = Class{Status: http.StatusTooManyRequests, GRPC: codes.ResourceExhausted, Type: TypeRate, Code: CodeRate}
	noKey       = Class{Status: http.StatusUnauthorized, GRPC: codes.Unauthenticated, Type: TypeInvalid, Code: CodeKey}
	forbidden   = Class{Status: http.StatusForbidden, GRPC: codes.PermissionDenied, Type: TypeInvalid, Code: CodePermission}
	tooUrgent   = Class{Status: http.StatusForbidden, GRPC: codes.PermissionDenied, Type: TypeInvalid, Code: CodePermission, Param: "priority"}
	outOfBudget = Class{Status: http.StatusTooManyRequests, GRPC: codes.ResourceExhausted, Type: TypeRate, Code: CodeBudget}
	unavailable = Class{Status: http.StatusServiceUnavailable, GRPC: codes.Unavailable, Type: TypeServer}
	internal    = Class{Status: http.StatusInternalServerError, GRPC: codes.Internal, Type: TypeServer}
	timedOut    = Class{
		Status: http.StatusGatewayTimeout, GRPC: codes.DeadlineExceeded, Type: TypeTimeout,
		Message: "the request's deadline has passed before the answer was complete",
	}
	canceled = Class{Status: StatusClientGone, GRPC: codes.Canceled, Type: TypeCanceled, Message: "the client has gone"}
	ended    = Class{Status: StatusClientGone, GRPC: codes.Canceled, Type: TypeCanceled, Message: "an operator has canceled the request"}
)

// Classify returns the class of an error that is not nil.
func Classify(err error) Class {
	c, ok := find(err)
	if !ok {
		c = internal
	}
	if c.Message == "" {
		c.Message = err.Error()
	}
	// What a client did wrong is said in its own words; what comes from a node is not.
	if c.Status >= http.StatusInternalServerError || as[*moe.Error](err) {
		c.Message = withoutAddresses(c.Message)
	}
	var fault *completion.Fault
	var param *sampler.ParamError
	switch {
	case errors.As(err, &fault):
		c.Param, c.Code = fault.Param, fault.Code
	case errors.As(err, &param):
		c.Param = param.Param
	}
	return c
}

// Outcome is the word for the end of a request in metrics.
func Outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return Classify(err).Type
}
