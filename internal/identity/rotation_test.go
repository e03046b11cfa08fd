package identity

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/hachi-serve/hachi/internal/eventually"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// follow follows the files of a source until the test ends.
func follow(t *testing.T, s *Source) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { s.Follow(ctx) })
	t.Cleanup(func() { cancel(); following.Wait() })
}

// TestRotationDropsNoStream replaces certificates and the authority under 32
// streams: both authorities are trusted first, then certificates are issued by the
// new one, then the old one goes.
func TestRotationDropsNoStream(t *testing.T) {
	before, after := authority(t, "c"), authority(t, "c")
	node, router := source(t, before, ID{"c", Expert, "e"}, before), source(t, before, ID{"c", Router, "r"}, before)
	follow(t, node)
	follow(t, router)
	addr := serve(t, node, nil)
	open := func() hachiv1.ExpertService_ExchangeClient {
		stream, err := hachiv1.NewExpertServiceClient(dial(t, addr, credentials.NewTLS(router.ClientTLS(Expert, "e")))).Exchange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	var streams []hachiv1.ExpertService_ExchangeClient
	for range 32 {
		streams = append(streams, open())
	}
	exchangeAll := func(step string) {
		t.Helper()
		for i, stream := range streams {
			rows := []byte{byte(i), 1, 2, 3}
			if err := stream.Send(&hachiv1.ExchangeRequest{Payload: rows}); err != nil {
				t.Fatalf("%s: stream %d: %v", step, i, err)
			}
			if got, err := stream.Recv(); err != nil || !bytes.Equal(got.GetPayload(), rows) {
				t.Fatalf("%s: stream %d: %v, %v", step, i, got, err)
			}
		}
	}
	exchangeAll("at the start")
	for _, step := range []struct {
		name    string
		by      *Authority
		trusted []*Authority
	}{{"both trusted", before, []*Authority{before, after}}, {"issued by the new", after, []*Authority{after, before}}, {"the old gone", after, []*Authority{after}}} {
		for _, s := range []*Source{node, router} {
			was := s.current.Load()
			write(t, s.dir, step.by, Request{ID: s.ID(), From: time.Now(), Life: time.Minute}, step.trusted...)
			eventually.True(t, "the files are read again", func() bool { return s.current.Load() != was })
		}
		streams = append(streams, open())
		exchangeAll(step.name)
	}
	stranger := source(t, before, ID{"c", Router, "r"}, before, after)
	if code := exchange(t, dial(t, addr, credentials.NewTLS(stranger.ClientTLS(Expert, "e")))); code != codes.Unavailable {
		t.Errorf("a certificate of the authority that was rotated away: %v", code)
	}
}

func TestHangupReadsTheFilesAgain(t *testing.T) {
	read := make(chan struct{}, 100)
	path := filepath.Join(t.TempDir(), "file")
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		Follow(ctx, []string{path}, discard(), func() error { read <- struct{}{}; return nil })
	})
	defer following.Wait()
	defer cancel()
	<-read // the first look
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-read
}

// TestBadFilesLeaveTheOldOnesInUse: half a replacement, garbage, and a certificate
// of another process.
func TestBadFilesLeaveTheOldOnesInUse(t *testing.T) {
	ours := authority(t, "c")
	s := source(t, ours, ID{"c", Expert, "e"}, ours)
	was := s.current.Load()
	other := t.TempDir()
	write(t, other, ours, Request{ID: ID{"c", Expert, "f"}, From: time.Now(), Life: time.Minute}, ours)
	for _, files := range [][]string{{KeyFile}, {CertificateFile}, {CertificateFile, KeyFile}} {
		for _, name := range files {
			raw, err := os.ReadFile(filepath.Join(other, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := WriteFile(filepath.Join(s.dir, name), raw); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.reload(); err == nil || s.current.Load() != was {
			t.Errorf("with %v of another process: %v", files, err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, AuthoritiesFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.reload(); err == nil || s.current.Load() != was {
		t.Errorf("with garbage: %v", err)
	}
}
