package status

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/journal"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Self is a process of this program: it describes itself, and ends its requests. after
// is that of journal.Journal.Snapshot.
type Self struct {
	Role, ID string
	Describe func(after uint64) Process
	Journal  *journal.Journal
}

// Cancel ends a request of the process.
func (s Self) Cancel(number uint64) error {
	if !s.Journal.Cancel(number) {
		return status.Errorf(codes.NotFound, "no request %d runs here: it has ended", number)
	}
	return nil
}

// Service serves a process to the consoles of others.
type Service struct {
	hachiv1.UnimplementedProcessServiceServer
	self Self
}

// NewService serves a process.
func NewService(self Self) *Service { return &Service{self: self} }

// GetProcess implements the service.
func (s *Service) GetProcess(_ context.Context, r *hachiv1.GetProcessRequest) (*hachiv1.GetProcessResponse, error) {
	return toProto(s.self.Describe(r.GetAfter())), nil
}

// CancelRequest implements the service.
func (s *Service) CancelRequest(_ context.Context, r *hachiv1.CancelRequestRequest) (*hachiv1.CancelRequestResponse, error) {
	return &hachiv1.CancelRequestResponse{}, s.self.Cancel(r.GetNumber())
}

func toProto(p Process) *hachiv1.GetProcessResponse {
	out := &hachiv1.GetProcessResponse{
		ProcessId: p.ID, Role: p.Role, Version: p.Version, StartedUnixNano: p.Started.UnixNano(), Running: uint32(p.Load), Waiting: uint32(p.Queue), KvUsage: p.KVUsage,
		Tokens: p.Tokens, FirstToken: p.First.Counts(), NextToken: p.Next.Counts(), Ends: p.Ends, NowUnixNano: time.Now().UnixNano(),
		WeightsBytes: p.Weights, KvBytes: p.KV,
	}
	for _, h := range p.Hops {
		out.Hops = append(out.Hops, &hachiv1.Hop{
			NodeId: h.Node, Suspected: h.Suspected, Suspicions: h.Suspicions, Failovers: h.Failovers, HedgesWon: h.HedgesWon, Bytes: h.Bytes, Calls: h.Calls.Counts(),
		})
	}
	for _, r := range p.Running {
		out.Requests = append(out.Requests, requestToProto(r))
	}
	for _, r := range p.Ended {
		out.Ended = append(out.Ended, requestToProto(r))
	}
	return out
}

func requestToProto(r journal.Request) *hachiv1.RequestState {
	out := &hachiv1.RequestState{
		Number: r.Number, RequestId: r.ID, Client: r.Client, Choice: uint32(r.Choice), Phase: string(r.Phase), PromptTokens: uint32(r.Prompt),
		CachedTokens: uint32(r.Cached), Tokens: uint32(r.Tokens), BeganUnixNano: r.Began.UnixNano(), LastUnixNano: r.Last.UnixNano(), Why: r.Why, Felt: uint32(r.Felt),
		ComputedTokens: uint32(r.Computed), TraceId: r.Trace,
	}
	if !r.First.IsZero() {
		out.FirstUnixNano = r.First.UnixNano()
	}
	for _, s := range r.Stalls {
		out.Stalls = append(out.Stalls, &hachiv1.Stall{AtUnixNano: s.At.UnixNano(), Nanos: s.Took.Nanoseconds(), Cause: s.Cause})
	}
	return out
}

func fromProto(m *hachiv1.GetProcessResponse) Process {
	p := Process{
		ID: m.GetProcessId(), Role: m.GetRole(), Version: m.GetVersion(), Started: time.Unix(0, m.GetStartedUnixNano()),
		Load: int(m.GetRunning()), Queue: int(m.GetWaiting()), KVUsage: m.GetKvUsage(), Weights: m.GetWeightsBytes(), KV: m.GetKvBytes(),
	}
	p.Totals = journal.Totals{Tokens: m.GetTokens(), First: journal.FromCounts(m.GetFirstToken()), Next: journal.FromCounts(m.GetNextToken())}
	p.Ends = m.GetEnds()
	for _, h := range m.GetHops() {
		p.Hops = append(p.Hops, Hop{
			Node: h.GetNodeId(), Suspected: h.GetSuspected(), Suspicions: h.GetSuspicions(), Failovers: h.GetFailovers(), HedgesWon: h.GetHedgesWon(), Bytes: h.GetBytes(),
			Calls: journal.FromCounts(h.GetCalls()),
		})
	}
	for _, r := range m.GetRequests() {
		p.Running = append(p.Running, requestFromProto(r))
	}
	for _, r := range m.GetEnded() {
		p.Ended = append(p.Ended, requestFromProto(r))
	}
	return p
}

func requestFromProto(m *hachiv1.RequestState) journal.Request {
	r := journal.Request{
		Number: m.GetNumber(), ID: m.GetRequestId(), Client: m.GetClient(), Choice: int(m.GetChoice()), Phase: journal.Phase(m.GetPhase()),
		Prompt: int(m.GetPromptTokens()), Cached: int(m.GetCachedTokens()), Tokens: int(m.GetTokens()),
		Began: time.Unix(0, m.GetBeganUnixNano()), Last: time.Unix(0, m.GetLastUnixNano()), Why: m.GetWhy(), Felt: int(m.GetFelt()),
		Computed: int(m.GetComputedTokens()), Trace: m.GetTraceId(),
	}
	if first := m.GetFirstUnixNano(); first != 0 {
		r.First = time.Unix(0, first)
	}
	for _, s := range m.GetStalls() {
		r.Stalls = append(r.Stalls, journal.Stall{At: time.Unix(0, s.GetAtUnixNano()), Took: time.Duration(s.GetNanos()), Cause: s.GetCause()})
	}
	return r
}
