package failure

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

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

var errCause = errors.New("cause")

// examples are the exported errors of the tree that a request can meet, by folder
// and name, and the status that they have.
var examples = map[string]struct {
	err    error
	status int
}{
	"internal/api/completion.ContextError":        {&completion.ContextError{}, 400},
	"internal/api/completion.TokenError":          {&completion.TokenError{}, 400},
	"internal/api/completion.Fault":               {&completion.Fault{Err: errCause}, 400},
	"internal/api/completion.ErrSaid":             {completion.ErrSaid, 400},
	"internal/api/completion.GrammarError":        {&completion.GrammarError{Err: errCause}, 400},
	"internal/api/completion.ErrEmpty":            {completion.ErrEmpty, 400},
	"internal/api/keys.Refusal":                   {&keys.Refusal{Reason: keys.Unknown}, 401},
	"moe.Panic":                                   {&moe.Panic{Value: "x"}, 500},
	"internal/api/completion.ErrCanceled":         {completion.ErrCanceled, 499},
	"internal/router/engine.AnswerError":          {&engine.AnswerError{}, 400},
	"internal/router/engine.ErrStopped":           {engine.ErrStopped, 503},
	"internal/router/engine.ErrEnough":            {engine.ErrEnough, 499},
	"internal/router/scheduler.ErrQueueFull":      {scheduler.ErrQueueFull, 429},
	"internal/router/scheduler.ErrTooManyTokens":  {scheduler.ErrTooManyTokens, 429},
	"internal/router/sampler.ParamError":          {&sampler.ParamError{Err: errCause}, 400},
	"internal/router/sampler.ErrNotFinite":        {sampler.ErrNotFinite, 500},
	"internal/router/sampler.ErrNoToken":          {sampler.ErrNoToken, 400},
	"internal/router/sampler.ErrGrammar":          {sampler.ErrGrammar, 500},
	"internal/text/grammar.ErrTooLarge":           {grammar.ErrTooLarge, 400},
	"internal/text/grammar.ErrBusy":               {grammar.ErrBusy, 429},
	"internal/api/admission.ErrBusy":              {admission.ErrBusy, 429},
	"internal/text/tokenizer.ErrTooLong":          {&completion.ContextError{}, 400}, // what Completer makes of it
	"internal/text/grammar.ErrConfusing":          {grammar.ErrConfusing, 400},
	"internal/text/grammar.ErrTogether":           {grammar.ErrTogether, 400},
	"internal/text/grammar.FunctionFault":         {&grammar.FunctionFault{Err: errCause}, 400},
	"internal/text/grammar/automaton.ErrTooLarge": {automaton.ErrTooLarge, 400},
	"internal/text/grammar/automaton.ErrEmpty":    {automaton.ErrEmpty, 400},
	"internal/strictjson.KeyError":                {&strictjson.KeyError{Err: errCause}, 400},
	"internal/text/grammar/schema.Fault":          {&schema.Fault{Err: errCause}, 400},
	"internal/text/chat/jinja.Error":              {&jinja.Error{}, 400},
	"moe.Error":                                   {&moe.Error{}, 500},
}

// startOnly are folders whose errors end a process or a command, so that no request
// meets them, or already are what a client sees.
var startOnly = map[string]string{
	"client":               "a client's side of an answer",
	"cmd":                  "the command",
	"coordinator":          "no router calls it",
	"examples":             "programs of their own",
	"gateway":              "the end of a process",
	"internal/api/httpapi": "its Error is what a client sees",
	"internal/backend":     "the start of a role; others hear of a lost device as moe.Draining",
	"internal/bench":       "measurements",
	"internal/cores":       "the start of a role",
	"internal/cluster":     "records of the cluster; a router's Session retries by itself",
	"internal/cuda":        "calls of the driver, below the errors of backend",
	"internal/local":       "supervision of processes",
	"internal/model":       "read at the start of a role",
	"internal/role":        "the start of a role",
	"internal/sim":         "the command",
	"internal/status":      "the command",
	"internal/weights":     "read at the start of a role",
	"test":                 "tests",
}

// TestEveryErrorHasARow finds the exported errors of the tree by its sources.
func TestEveryErrorHasARow(t *testing.T) {
	found := 0
	eachError(t, func(folder, name string) {
		for other := range startOnly {
			if folder == other || strings.HasPrefix(folder, other+"/") {
				return
			}
		}
		found++
		example, ok := examples[folder+"."+name]
		if !ok {
			t.Errorf("%s.%s has no row: say in table.go what a client sees of it, and add an example here", folder, name)
			return
		}
		class, ok := find(fmt.Errorf("wrapped: %w", example.err))
		if !ok || class.Status != example.status || class.Type == "" || class.GRPC == codes.OK {
			t.Errorf("%s.%s: row %v, %+v, want status %d", folder, name, ok, class, example.status)
		}
	})
	if found != len(examples) {
		t.Errorf("%d errors found of %d examples", found, len(examples))
	}
}

// TestEveryKindHasARow reads the kinds from moe's source.
func TestEveryKindHasARow(t *testing.T) {
	want := map[moe.Kind]codes.Code{
		moe.Internal: codes.Internal, moe.Busy: codes.Unavailable, moe.NotHosted: codes.Unavailable, moe.Mismatch: codes.Internal,
		moe.Unreachable: codes.Unavailable, moe.NoReplica: codes.Unavailable, moe.Corrupt: codes.Internal, moe.Invalid: codes.InvalidArgument,
		moe.Draining: codes.Unavailable,
	}
	kinds := kindsOfSource(t)
	if len(kinds) != len(want) {
		t.Errorf("moe has %d kinds, %d are expected here", len(kinds), len(want))
	}
	for name, k := range kinds {
		class, ok := find(&moe.Error{Op: "x", Kind: k, Err: errCause})
		if code, expected := want[k]; !ok || !expected || class.GRPC != code {
			t.Errorf("moe.%s: row %v with %v, want %v: say in table.go what a client sees of it", name, ok, class.GRPC, code)
		}
	}
}

// TestClassify: the first row counts, parameters are named, and what has no row is
// our fault.
func TestClassify(t *testing.T) {
	gone := &moe.Error{Op: "call", Kind: moe.Unreachable, Err: context.Canceled}
	for _, tt := range []struct {
		err  error
		want Class
	}{
		{errors.New("new"), Class{Status: 500, GRPC: codes.Internal, Type: TypeServer, Message: "new"}},
		{gone, Class{Status: 499, GRPC: codes.Canceled, Type: TypeCanceled, Message: "the client has gone"}},
		{&sampler.ParamError{Param: "top_p", Err: errCause}, Class{Status: 400, GRPC: codes.InvalidArgument, Type: TypeInvalid, Code: "invalid_value", Param: "top_p", Message: "cause"}},
		{&completion.Fault{Param: "regex", Code: completion.CodeUnsupported, Err: errCause}, Class{Status: 400, GRPC: codes.InvalidArgument, Type: TypeInvalid, Code: "unsupported_parameter", Param: "regex", Message: "regex cause"}},
	} {
		if got := Classify(tt.err); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.err, got, tt.want)
		}
	}
	if Outcome(nil) != "ok" || Outcome(context.DeadlineExceeded) != TypeTimeout {
		t.Error("outcomes are wrong")
	}
}

func TestCatchReturnsAPanic(t *testing.T) {
	err := Catch(func() error { panic("broken") })
	if stack, ok := Stack(err); !ok || !strings.Contains(string(stack), "TestCatchReturnsAPanic") || moe.KindOf(err) != moe.Internal {
		t.Errorf("%v", err)
	}
	if err := Catch(func() error { return errCause }); err != errCause {
		t.Errorf("%v", err)
	}
}

const root = "../../.."

// eachError calls f for every exported variable Err... and every exported type
// with an Error method, outside tests and tools.
func eachError(t *testing.T, f func(folder, name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "tools" || d.Name() == "testdata" || d.Name() == "deploy") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		for _, decl := range file.Decls {
			for _, name := range errorsOf(decl) {
				f(filepath.ToSlash(folder), name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// errorsOf are the exported errors that a declaration declares.
func errorsOf(decl ast.Decl) []string {
	var names []string
	switch d := decl.(type) {
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR {
				for _, name := range v.Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		}
	case *ast.FuncDecl:
		if d.Recv == nil || d.Name.Name != "Error" || d.Type.Params.NumFields() != 0 {
			return nil
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if name, ok := receiver.(*ast.Ident); ok && name.IsExported() {
			names = append(names, name.Name)
		}
	}
	return names
}

// kindsOfSource are the constants of type Kind.
func kindsOfSource(t *testing.T) map[string]moe.Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "moe", "error.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]moe.Kind{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Kind" {
			number, err := strconv.Atoi(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds[v.Names[0].Name] = moe.Kind(number)
		}
		return true
	})
	return kinds
}
