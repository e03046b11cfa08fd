package role

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/accesstest"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/histograms"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// guarded is a router whose engine follows a script, and a gateway in front of it, with
// certificates and keys at every listener.
type guarded struct {
	*testing.T
	dir, texts      string // of secrets, and of the text files of the model
	ours, old       *identity.Authority
	engine          *enginetest.Engine
	router, gateway door
}

// door is what reaches a process.
type door struct {
	http, grpc, admin   string
	routes, adminRoutes map[string]httpapi.Access
	services            map[string]grpc.ServiceInfo
	clients             *keys.Guard
}

const guardedContext, guardedFingerprint = 1000, "fingerprint"

// newGuarded starts both with the keys of clients in a file. Two authorities are trusted.
func newGuarded(t *testing.T, clients []keys.Entry) *guarded {
	t.Helper()
	g := &guarded{T: t, dir: t.TempDir(), texts: textDir(t, map[string]string{"config.json": guardedConfig}), engine: &enginetest.Engine{}}
	for _, a := range []**identity.Authority{&g.ours, &g.old} {
		made, err := identity.NewAuthority("c", time.Now().Add(-time.Hour), 3*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		*a = made
	}
	g.writeKeys("clients", clients)
	g.writeKeys("admins", accesstest.Admins())
	g.certify(g.ours, g.old)
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	t.Cleanup(func() { cancel(); work.Wait() })
	store := memory.New()
	record := g.startRouter(ctx, &work)
	placeModel(t, store, "c", guardedFingerprint)
	records := registry.New(store, registry.Prefix("c"), registry.Options{TTL: time.Minute})
	t.Cleanup(records.Close)
	records.RegisterRouter(ctx, record)
	g.startGateway(ctx, &work, store)
	return g
}

// placeModel publishes a placement of a model in a cluster.
func placeModel(t *testing.T, store registry.Store, cluster string, of moe.Fingerprint) {
	t.Helper()
	p, err := moe.NewPlacement(1, of, moe.Uniform(1, 1), [][]moe.Replica{{{Node: "node", Addr: "node:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(moepb.PlacementToProto(p))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), registry.Prefix(cluster)+"placement", raw, 0); err != nil {
		t.Fatal(err)
	}
}

// writeKeys writes a file of keys.
func (g *guarded) writeKeys(name string, entries []keys.Entry) {
	g.Helper()
	text, err := yaml.Marshal(entries)
	if err == nil {
		err = identity.WriteFile(filepath.Join(g.dir, name), text)
	}
	if err != nil {
		g.Fatal(err)
	}
}

// certify writes the certificates of both, and the authorities that they trust.
func (g *guarded) certify(trusted ...*identity.Authority) {
	g.Helper()
	var all []byte
	for _, a := range trusted {
		pair, err := a.Pair()
		if err != nil {
			g.Fatal(err)
		}
		all = append(all, pair.Certificate...)
	}
	for _, role := range []identity.Role{identity.Router, identity.Gateway, identity.Expert, identity.Coordinator} {
		if err := identity.Write(filepath.Join(g.dir, string(role)), all, g.issue(g.ours, role, time.Hour)); err != nil {
			g.Fatal(err)
		}
	}
}

// issue makes the certificate of a process, named as its role. A life that is negative
// has ended.
func (g *guarded) issue(by *identity.Authority, role identity.Role, life time.Duration) identity.Pair {
	g.Helper()
	from := time.Now()
	if life < 0 {
		from, life = from.Add(2*life), -life
	}
	pair, err := by.Issue(identity.Request{ID: identity.ID{Cluster: "c", Role: role, Name: string(role)}, From: from, Life: life})
	if err != nil {
		g.Fatal(err)
	}
	return pair
}

func (g *guarded) security(role identity.Role) RouterSecurity {
	certificates := filepath.Join(g.dir, string(role))
	return RouterSecurity{
		SecurityConfig{Certificates: certificates, Insecure: true}, // gossip is not started
		AccessConfig{APIKeys: filepath.Join(g.dir, "clients"), HTTPCertificates: certificates, AdminConfig: AdminConfig{AdminKeys: filepath.Join(g.dir, "admins")}},
	}
}

const guardedConfig = `{"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_size": 256, "intermediate_size": 288, "num_attention_heads": 8,
	"num_key_value_heads": 4, "head_dim": 32, "num_hidden_layers": 6, "num_experts_per_tok": 2, "num_local_experts": 8, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
	"hidden_act": "silu", "max_position_embeddings": 2048, "torch_dtype": "bfloat16", "vocab_size": 32000}`

// startRouter serves as a router does, from a scripted engine, and returns its record.
func (g *guarded) startRouter(ctx context.Context, work *sync.WaitGroup) *hachiv1.RouterRecord {
	g.Helper()
	log, by := slog.New(slog.DiscardHandler), g.security(identity.Router)
	cluster := ClusterConfig{Cluster: "c", ID: "router", Logger: log}
	credentials, err := openSecurity(by.SecurityConfig, cluster, identity.Router)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(credentials.close)
	who, err := openAccess(by.AccessConfig, log)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(who.close)
	web, rpc, err := listenBoth("127.0.0.1:0", "", "127.0.0.1:0", "")
	if err != nil {
		g.Fatal(err)
	}
	config, err := checkpoint.ReadConfig(g.texts)
	if err != nil {
		g.Fatal(err)
	}
	serving := DefaultRelay().APIConfig
	front, err := openFront(g.texts, config, serving)
	if err != nil {
		g.Fatal(err)
	}
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })
	watched := newWatched(status.Self{Role: status.RouterRole, ID: "router", Describe: func(uint64) status.Process { return status.Process{} }, Journal: &journal.Journal{}}, credentials)
	side := clientSide{http: web, grpc: rpc, access: who, security: credentials, metrics: metrics, watched: watched, logger: log}
	side.api = front.api(g.texts, serving, served{
		engine:      completion.Local{Engine: g.engine, Grammars: front.grammars()},
		fingerprint: guardedFingerprint, context: guardedContext, maxRequests: 100, requests: histograms.New(prometheus.NewRegistry()), metrics: metrics, logger: log,
	}, by, who, web)
	s := server.New(side.server().WithDefaults(), func() bool { return true })
	s.SetReady(true)
	work.Go(func() {
		if err := s.Run(ctx, server.Life{End: func() {}}); err != nil {
			g.Error(err)
		}
	})
	g.router = g.door(side)
	return &hachiv1.RouterRecord{
		RouterId: "router", GrpcAddr: g.router.grpc, AckedEpoch: 1, Fingerprint: guardedFingerprint, Context: guardedContext, MaxRequests: 100, TextDigest: front.text.digest,
	}
}

// startGateway serves as RunGateway does, in a cluster whose store is in memory.
func (g *guarded) startGateway(ctx context.Context, work *sync.WaitGroup, store *memory.Store) {
	g.Helper()
	c := DefaultGateway()
	c.Cluster, c.ID, c.Etcd, c.Logger = "c", "gateway", []string{"unused:1"}, slog.New(slog.DiscardHandler)
	c.Model.Dir, c.Security = g.texts, g.security(identity.Gateway)
	if err := c.Validate(); err != nil {
		g.Fatal(err)
	}
	p, err := openGateway(ctx, c)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(p.close)
	if p.http, p.grpc, err = listenBoth("127.0.0.1:0", "", "127.0.0.1:0", ""); err != nil {
		g.Fatal(err)
	}
	p.cfg.InProcess = &InProcess{Store: store}
	work.Go(func() {
		if err := p.serve(ctx); err != nil {
			g.Error(err)
		}
	})
	side := p.clientSide()
	side.api = p.api(nil, balance.Model{})
	g.gateway = g.door(side)
	s := accesstest.Server{Addr: g.gateway.http, TLS: &tls.Config{InsecureSkipVerify: true}}
	eventually.True(g.T, "the gateway is ready", func() bool { return s.Ask(g.T, "GET", "/readyz", "", accesstest.Credential{}).Status == 200 })
}

// door names what reaches a process, and serves its admin API.
func (g *guarded) door(side clientSide) door {
	g.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(side.admin().serve(l))
	return door{
		http: side.http.Addr().String(), grpc: side.grpc.Addr().String(), admin: l.Addr().String(), clients: side.access.gate.Clients,
		routes: accesstest.Routes(api.Tables(side.api, nil)), adminRoutes: accesstest.Routes(side.admin().tables()),
		services: server.New(side.server().WithDefaults(), nil).Services(),
	}
}

// showing is the configuration of a caller who shows a certificate and checks none.
func (g *guarded) showing(pair identity.Pair) *tls.Config {
	g.Helper()
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		g.Fatal(err)
	}
	return &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}}
}
