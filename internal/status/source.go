package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/journal"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Source reads the state of a cluster from within a process of it, and carries out
// what operators ask for. Before Join it knows no cluster.
type Source struct {
	By *identity.Source // the process's certificate; nil is plaintext
	// Self is the process; nil is none of the cluster, as a command is.
	Self *Self
	// Where are the records that a command reads; nil are those of Join.
	Where *Where

	clocks clocks

	mu    sync.Mutex // guards the fields below
	reg   *registry.Registry
	conns map[string]*grpc.ClientConn
	ends  map[string]seen // by role and name of another process
	own   uint64          // requests of this process that have ended and were read
}

// seen is which requests of a run of a process were read.
type seen struct {
	started time.Time
	ends    uint64
}

// errNotJoined means that the process has no records to read yet.
var errNotJoined = errors.New("the process has not joined its cluster yet")

// Join gives a source the records of its cluster.
func (s *Source) Join(reg *registry.Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reg = reg
}

func (s *Source) registry() (*registry.Registry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reg == nil {
		return nil, errNotJoined
	}
	return s.reg, nil
}

// processTimeout bounds one question to a process: a console shows the others
// meanwhile, and asks again.
const processTimeout = time.Second

// maxMessage bounds the description of a process.
const maxMessage = 16 << 20

// Look reads the state.
func (s *Source) Look(ctx context.Context) State {
	out := State{At: time.Now(), Silent: map[string]string{}}
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	view, err := s.read(ctx)
	if err != nil {
		out.Fault = err.Error()
		out.Processes = s.itself()
		return out
	}
	var all sync.WaitGroup
	all.Go(func() { out.Processes, out.Silent = s.processes(ctx, view) })
	all.Go(func() { out.Clocks = s.clocks.ask(ctx, view, out.At) })
	seen, why := view.AskStatus(ctx)
	all.Wait()
	for _, p := range out.Processes {
		if p.Clock.Known {
			out.Clocks[p.ID] = p.Clock
		}
	}
	out.Cluster = Describe(view, seen, why)
	for _, n := range view.Nodes {
		out.ExpertBytes = max(out.ExpertBytes, n.GetExpertBytes())
	}
	return out
}

func (s *Source) read(ctx context.Context) (View, error) {
	if s.Where != nil {
		return ReadView(ctx, *s.Where)
	}
	reg, err := s.registry()
	if err != nil {
		return View{}, err
	}
	view, err := Read(ctx, reg)
	view.by = s.By
	return view, err
}

// itself describes the process of the source, if there is one.
func (s *Source) itself() []Process {
	if s.Self == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.Self.Describe(s.own)
	p.Role, p.ID, s.own = s.Self.Role, s.Self.ID, p.Ends
	return []Process{p}
}

// isSelf reports whether a process is that of the source.
func (s *Source) isSelf(role, id string) bool {
	return s.Self != nil && s.Self.Role == role && s.Self.ID == id
}

// fresh are the requests of a process that have ended since it was read last.
func (s *Source) fresh(key string, p Process) (ended []journal.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.ends[key]
	if !before.started.Equal(p.Started) {
		before.ends = 0
	}
	if s.ends == nil {
		s.ends = map[string]seen{}
	}
	s.ends[key] = seen{p.Started, p.Ends}
	news := min(uint64(len(p.Ended)), p.Ends-min(before.ends, p.Ends))
	return p.Ended[uint64(len(p.Ended))-news:]
}

// processes asks every router and gateway.
func (s *Source) processes(ctx context.Context, v View) (out []Process, silent map[string]string) {
	out, silent = s.itself(), map[string]string{}
	var mu sync.Mutex // guards out and silent
	var all sync.WaitGroup
	addresses := map[string]bool{}
	ask := func(role identity.Role, id, addr string) {
		addresses[addr] = true
		if s.isSelf(string(role), id) {
			return
		}
		all.Go(func() {
			p, err := s.process(ctx, role, id, addr)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				silent[id] = status.Convert(err).Message()
				return
			}
			out = append(out, p)
		})
	}
	for _, r := range v.Routers {
		ask(identity.Router, r.GetRouterId(), r.GetGrpcAddr())
	}
	for _, g := range v.Gateways {
		ask(identity.Gateway, g.GetGatewayId(), g.GetGrpcAddr())
	}
	all.Wait()
	s.keep(addresses)
	return sortProcesses(out), silent
}

// process asks one process.
func (s *Source) process(ctx context.Context, role identity.Role, id, addr string) (Process, error) {
	conn, err := s.dial(addr, role, id)
	if err != nil {
		return Process{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	key := string(role) + "/" + id
	s.mu.Lock()
	after := s.ends[key].ends
	s.mu.Unlock()
	p, err := AskProcess(ctx, conn, after)
	if err != nil {
		return Process{}, err
	}
	p.ID, p.Role = id, string(role) // by its record and its certificate
	p.Ended = s.fresh(key, p)
	return p, nil
}

// AskProcess asks a router or a gateway what it is, with the requests that ended after
// the first `after` of them.
func AskProcess(ctx context.Context, conn *grpc.ClientConn, after uint64) (Process, error) {
	asked := time.Now()
	m, err := hachiv1.NewProcessServiceClient(conn).GetProcess(ctx, &hachiv1.GetProcessRequest{After: after}, grpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		return Process{}, err
	}
	p := fromProto(m)
	p.Clock = clockAt(time.Unix(0, m.GetNowUnixNano()), asked, time.Since(asked))
	p.correct()
	return p, nil
}

// dial returns the connection to a process at an address.
func (s *Source) dial(addr string, role identity.Role, id string) (*grpc.ClientConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if conn := s.conns[addr]; conn != nil {
		return conn, nil
	}
	conn, err := dial(addr, s.By, role, id)
	if err != nil {
		return nil, err
	}
	if s.conns == nil {
		s.conns = map[string]*grpc.ClientConn{}
	}
	s.conns[addr] = conn
	return conn, nil
}

// keep closes the connections to all addresses but these.
func (s *Source) keep(addresses map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr, conn := range s.conns {
		if !addresses[addr] {
			_ = conn.Close() // its calls have ended
			delete(s.conns, addr)
		}
	}
}

// Close closes all connections.
func (s *Source) Close() { s.keep(nil) }

// asOperator puts the key of the operator who asks into a call: the process that is
// asked decides by it.
func asOperator(ctx context.Context, key string) context.Context {
	if key == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
}

// Drain asks the leader to empty a node, or takes that back, with the key of an
// operator.
func (s *Source) Drain(ctx context.Context, key, node string, undo bool) error {
	return s.askLeader(ctx, func(ctx context.Context, c hachiv1.CoordinatorServiceClient) error {
		_, err := c.DrainNode(asOperator(ctx, key), &hachiv1.DrainNodeRequest{NodeId: node, Undo: undo})
		return err
	})
}

// Plan asks the leader what a placement would change, with the key of an operator.
func (s *Source) Plan(ctx context.Context, key string, r *hachiv1.PlanPlacementRequest) (out *hachiv1.PlanPlacementResponse, err error) {
	err = s.askLeader(ctx, func(ctx context.Context, c hachiv1.CoordinatorServiceClient) error {
		out, err = c.PlanPlacement(asOperator(ctx, key), r)
		return err
	})
	return out, err
}

func (s *Source) askLeader(ctx context.Context, question func(context.Context, hachiv1.CoordinatorServiceClient) error) error {
	reg, err := s.registry()
	if err != nil {
		return err
	}
	coordinators, err := reg.Coordinators(ctx)
	if err != nil {
		return err
	}
	addr, err := View{Coordinators: coordinators}.Leader()
	if err != nil {
		return err
	}
	return ask(ctx, addr, s.By, question)
}

// Cancel ends a request of a process, with the key of an operator.
func (s *Source) Cancel(ctx context.Context, key, role, id string, number uint64) error {
	if s.isSelf(role, id) {
		return s.Self.Cancel(number)
	}
	addr, err := s.address(ctx, role, id)
	if err != nil {
		return err
	}
	conn, err := s.dial(addr, identity.Role(role), id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(asOperator(ctx, key), askTimeout)
	defer cancel()
	_, err = hachiv1.NewProcessServiceClient(conn).CancelRequest(ctx, &hachiv1.CancelRequestRequest{Number: number})
	if err != nil {
		return fmt.Errorf("%s %s: %s", role, id, status.Convert(err).Message())
	}
	return nil
}

// address finds the gRPC address of a router or a gateway in its record.
func (s *Source) address(ctx context.Context, role, id string) (string, error) {
	reg, err := s.registry()
	if err != nil {
		return "", err
	}
	routers, err := reg.Routers(ctx)
	if err != nil {
		return "", err
	}
	gateways, err := reg.Gateways(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range routers {
		if role == RouterRole && r.GetRouterId() == id {
			return r.GetGrpcAddr(), nil
		}
	}
	for _, g := range gateways {
		if role == GatewayRole && g.GetGatewayId() == id {
			return g.GetGrpcAddr(), nil
		}
	}
	return "", fmt.Errorf("no %s is called %q", role, id)
}
