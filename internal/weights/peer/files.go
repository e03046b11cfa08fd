package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// answerWithin bounds the time to the first piece of a transfer, and that of a question.
// Then another node is asked.
const answerWithin = 5 * time.Second

// samplePage bounds a read that any node of the model can answer: a header, or the page of
// a tensor that is sampled.
const samplePage = 4096

// Files are the files of a model as its nodes give them: source.Files and source.Suspect.
type Files struct {
	nodes  *nodes
	home   *Home // nil is none
	guide  Node  // it describes the model where there is no home
	place  string
	opened atomic.Bool

	mu    sync.Mutex // guards the field below
	tries map[run]*try
}

// run is a range of a file, up to its end: a read that goes on elsewhere begins later.
type run struct {
	name string
	end  int64
}

// try is who sent the bytes of a range.
type try struct {
	senders []Node // the home is the zero Node
	mixed   int    // times that wrong bytes came from several
	only    moe.NodeID
}

// WithHome makes the files of a model whose home is elsewhere: what is known of the model
// comes from the home, and so do experts that no node gives.
func WithHome(cfg Config, home *Home) *Files {
	return &Files{nodes: newNodes(cfg), home: home, place: "peer://," + home.place, tries: map[run]*try{}}
}

// Through makes the files of a model that a node describes.
func Through(cfg Config, guide Node) *Files {
	return &Files{nodes: newNodes(cfg), guide: guide, place: "peer://" + string(guide.ID), tries: map[run]*try{}}
}

// Opened says that the model is known. Until then only the home or the guide is asked.
func (f *Files) Opened() { f.opened.Store(true) }

// Close ends the connections to nodes.
func (f *Files) Close() error {
	f.nodes.close()
	return f.home.Close()
}

// String implements source.Files.
func (f *Files) String() string { return f.place }

func (f *Files) fault(name string, kind source.Kind, format string, args ...any) error {
	return &source.Error{Place: f.place, File: name, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// isPart reports whether a file has tensors.
func isPart(name string) bool { return strings.HasSuffix(name, ".safetensors") }

// Stat implements source.Files.
func (f *Files) Stat(ctx context.Context, name string) (source.Info, error) {
	if f.home != nil {
		return f.home.stat(name)
	}
	if name == checkpoint.ManifestFile || f.opened.Load() {
		return f.agreed(ctx, name)
	}
	return f.ask(ctx, f.guide, name)
}

// ask asks one node for the description of a file.
func (f *Files) ask(ctx context.Context, p Node, name string) (source.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	service, err := f.nodes.service(p)
	if err != nil {
		return source.Info{}, f.failed(p, name, err)
	}
	r, err := service.StatFile(ctx, &hachiv1.StatFileRequest{Name: name})
	if err != nil {
		return source.Info{}, f.failed(p, name, err)
	}
	if r.GetSize() > 1<<62 || r.GetVersion() == "" {
		return source.Info{}, f.fault(name, source.Malformed, "node %s: %d bytes, version %.80q", p.ID, r.GetSize(), r.GetVersion())
	}
	return source.Info{Size: int64(r.GetSize()), Version: r.GetVersion()}, nil
}

// failed is the error of a node that did not answer as it should. The node rests if
// another question would hardly be answered.
func (f *Files) failed(p Node, name string, err error) error {
	kind := source.Unavailable
	switch status.Code(err) {
	case codes.NotFound:
		kind = source.Absent
	case codes.FailedPrecondition, codes.InvalidArgument:
		kind = source.Changed
	case codes.PermissionDenied, codes.Unauthenticated:
		kind = source.Denied
		f.nodes.failed(p.ID)
	default:
		f.nodes.failed(p.ID)
	}
	return f.fault(name, kind, "node %s: %w", p.ID, err)
}

// maxAsked bounds the nodes that must agree.
const maxAsked = 16

// agreed asks nodes for the description of a file, which must be the same at all of them
// that have it. Hashes come with it that nothing else vouches for.
func (f *Files) agreed(ctx context.Context, name string) (source.Info, error) {
	all, err := f.nodes.current(ctx)
	if err != nil {
		return source.Info{}, f.fault(name, source.Unavailable, "%w", err)
	}
	var found source.Info
	var from moe.NodeID
	errs := []error{f.fault(name, source.Unavailable, "no node of the model can be asked")}
	for _, p := range all[:min(len(all), maxAsked)] {
		info, err := f.ask(ctx, p, name)
		switch {
		case err != nil:
			errs = append(errs[:min(len(errs), 3)], err)
		case from == "":
			found, from, errs = info, p.ID, nil
		case info != found:
			return found, f.fault(name, source.Refused, "node %s has %v, and node %s %v: one of them is wrong; compare both with `hachi model inspect --verify`", from, found, p.ID, info)
		}
		if from != "" {
			errs = nil
		}
	}
	if len(errs) > 1 {
		errs = errs[1:]
	}
	return found, errors.Join(errs...)
}

// Open implements source.Files.
func (f *Files) Open(ctx context.Context, name string, as source.Info, at, n int64) (io.ReadCloser, error) {
	_, ofExpert := checkpoint.ExpertOf(name)
	if f.home != nil && !(ofExpert && f.opened.Load()) {
		return f.home.open(ctx, name, at, n)
	}
	candidates, err := f.candidates(ctx, name, n)
	if err != nil && f.home == nil {
		return nil, f.fault(name, source.Unavailable, "%w", err)
	}
	if only := f.onlyFrom(run{name, at + n}); only != "" {
		slices.SortStableFunc(candidates, func(a, b Node) int { return before(a.ID == only, b.ID == only) })
	}
	errs := []error{f.fault(name, source.Unavailable, "no node that can be asked holds it")}
	for _, p := range candidates {
		body, err := f.openAt(ctx, p, name, as, at, n)
		if err == nil {
			return body, nil
		}
		if errs = append(errs[:min(len(errs), 3)], err); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if f.home != nil {
		f.sent(run{name, at + n}, Node{})
		return f.home.open(ctx, name, at, n)
	}
	return nil, unavailable(errs)
}

// unavailable is an error after which the nodes are asked again later: who holds what
// changes.
func unavailable(errs []error) error {
	if len(errs) > 1 {
		errs = errs[1:]
	}
	var first *source.Error
	errors.As(errs[0], &first)
	return &source.Error{Place: first.Place, File: first.File, Kind: source.Unavailable, Err: errors.Join(errs...)}
}

// before orders what has a property first.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// candidates are the nodes to ask for n bytes of a file, the most promising first.
func (f *Files) candidates(ctx context.Context, name string, n int64) ([]Node, error) {
	if f.home == nil && !f.opened.Load() && name != checkpoint.ManifestFile {
		return []Node{f.guide}, nil
	}
	all, err := f.nodes.current(ctx)
	id, ofExpert := checkpoint.ExpertOf(name)
	switch {
	case !ofExpert:
	case n > samplePage:
		all = slices.DeleteFunc(all, func(p Node) bool { return !p.gives(id) })
	default:
		slices.SortStableFunc(all, func(a, b Node) int { return before(a.gives(id), b.gives(id)) })
	}
	return all, err
}
