package etcd

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, s *Server) *clientv3.Client {
	t.Helper()
	cli, err := clientv3.New(clientv3.Config{Endpoints: s.Endpoints(), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return cli
}

func TestDataSurvivesARestartOnTheSamePort(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cfg := Config{Dir: filepath.Join(t.TempDir(), "etcd")}
	s, err := Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cli := client(t, s)
	if _, err := cli.Put(ctx, "key", "value"); err != nil {
		t.Fatal(err)
	}
	cli.Close()
	s.Close()
	s.Close()
	cfg.ClientAddr = s.Endpoints()[0]
	if s, err = Start(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Endpoints()[0] != cfg.ClientAddr {
		t.Errorf("listens on %v, want %s", s.Endpoints(), cfg.ClientAddr)
	}
	cli = client(t, s)
	defer cli.Close()
	got, err := cli.Get(ctx, "key")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "value" {
		t.Errorf("after the restart: %v, %v", got, err)
	}
}

func TestStartSaysWhyItFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(t.Context(), Config{Dir: filepath.Join(file, "etcd")}); err == nil {
		s.Close()
		t.Error("started in a directory that cannot be made")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Start(ctx, Config{Dir: filepath.Join(t.TempDir(), "etcd")}); err == nil {
		s.Close()
		t.Error("started although it was stopped")
	}
}
