package failure

import (
	"context"
	"errors"
	"slices"

	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/internal/strictjson"
	"github.com/hachi-serve/hachi/internal/text/chat/jinja"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
	"github.com/hachi-serve/hachi/internal/text/grammar/schema"
	"github.com/hachi-serve/hachi/moe"
)

// row gives the errors that it matches a class.
type row struct {
	matches func(error) bool
	class   Class
}

// is matches a sentinel error.
func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// as matches a type of errors.
func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// kind matches the kind of the first moe.Error of a chain.
func kind(k moe.Kind) func(error) bool {
	return func(err error) bool {
		var e *moe.Error
		return errors.As(err, &e) && e.Kind == k
	}
}

// refused matches the refusal of an API key for one of several reasons.
func refused(reasons ...keys.Reason) func(error) bool {
	return func(err error) bool {
		var r *keys.Refusal
		return errors.As(err, &r) && slices.Contains(reasons, r.Reason)
	}
}

// rows are in order of precedence: the first that matches counts. A request that
// is wrong stays wrong whatever else happened; an expired deadline explains an
// unreachable node, not the other way round.
var rows = []row{
	{as[*moe.Panic], internal},
	{refused(keys.Missing, keys.Unknown, keys.Expired), noKey},
	{refused(keys.AdminOnly), forbidden},
	{refused(keys.TooUrgent), tooUrgent},
	{refused(keys.TooFast, keys.TooMany), overloaded},
	{refused(keys.OutOfBudget), outOfBudget},
	{as[*completion.Fault], invalid},
	{as[*completion.GrammarError], invalid},
	{as[*completion.ContextError], tooLong},
	{as[*completion.TokenError], invalid},
	{is(completion.ErrEmpty), invalid},
	{as[*sampler.ParamError], invalid},
	{is(sampler.ErrNoToken), invalid},
	{as[*strictjson.KeyError], invalid},
	{as[*schema.Fault], invalid},
	{as[*grammar.FunctionFault], invalid},
	{is(grammar.ErrConfusing), invalid},
	{is(grammar.ErrTogether), invalid},
	{is(completion.ErrSaid), invalid},
	{is(grammar.ErrTooLarge), invalid},
	{is(automaton.ErrTooLarge), invalid},
	{is(automaton.ErrEmpty), invalid},
	{as[*jinja.Error], invalid},
	{as[*engine.AnswerError], invalid},
	{kind(moe.Invalid), invalid},
	{is(scheduler.ErrTooManyTokens), overloaded},
	{is(scheduler.ErrQueueFull), overloaded},
	{is(admission.ErrBusy), overloaded},
	{is(grammar.ErrBusy), overloaded},
	{is(completion.ErrCanceled), ended},
	{is(context.DeadlineExceeded), timedOut},
	{is(context.Canceled), canceled},
	{is(engine.ErrEnough), canceled},
	{is(engine.ErrStopped), unavailable},
	{is(sampler.ErrNotFinite), internal},
	{is(sampler.ErrGrammar), internal},
	{kind(moe.NoReplica), unavailable},
	{kind(moe.Busy), unavailable},
	{kind(moe.NotHosted), unavailable},
	{kind(moe.Unreachable), unavailable},
	{kind(moe.Draining), unavailable},
	{kind(moe.Mismatch), internal},
	{kind(moe.Corrupt), internal},
	{kind(moe.Internal), internal},
}

// find returns the class of the first row that matches.
func find(err error) (Class, bool) {
	for _, r := range rows {
		if r.matches(err) {
			return r.class, true
		}
	}
	return Class{}, false
}
