package peer

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestExpertCallsComeFirst: a piece waits while the node computes, for a bounded time.
func TestExpertCallsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var until atomic.Pointer[time.Time]
		s := NewServer(ServerConfig{Busy: func() bool { return time.Now().Before(*until.Load()) }})
		for busy, want := range map[time.Duration]time.Duration{0: 0, 3 * time.Millisecond: 3 * time.Millisecond, time.Hour: maxYield} {
			began := time.Now()
			end := began.Add(busy)
			until.Store(&end)
			if err := s.wait(t.Context(), piece); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < want || took > want+yieldEvery {
				t.Errorf("a node that computes for %v lets a piece wait %v, expected %v", busy, took, want)
			}
		}
		ended, end := context.WithCancel(t.Context())
		end()
		forever := time.Now().Add(time.Hour)
		until.Store(&forever)
		if err := s.wait(ended, piece); status.Code(err) != codes.Canceled {
			t.Errorf("%v after the transfer was given up", err)
		}
	})
}

// TestCallsComeBeforeAPieceThatWaitedForItsRation: the node was idle when the piece began
// to wait, and computes when its turn comes.
func TestCallsComeBeforeAPieceThatWaitedForItsRation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		from, until := began.Add(500*time.Millisecond), began.Add(time.Second+3*time.Millisecond)
		s := NewServer(ServerConfig{Rate: piece, Busy: func() bool { now := time.Now(); return now.After(from) && now.Before(until) }})
		for range 2 { // the second piece waits for a second
			if err := s.wait(t.Context(), piece); err != nil {
				t.Fatal(err)
			}
		}
		if now := time.Now(); now.Before(until) {
			t.Errorf("the piece was sent after %v, while the node computed until %v", now.Sub(began), until.Sub(began))
		}
	})
}

// TestTransfersShareTheRation.
func TestTransfersShareTheRation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(ServerConfig{Rate: 4 * piece, Busy: func() bool { return false }})
		began := time.Now()
		done := make(chan error, 2)
		for range 2 {
			go func() {
				for range 8 {
					if err := s.wait(t.Context(), piece); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 15*time.Second/4 || took > 4*time.Second {
			t.Errorf("16 pieces at 4 pieces per second took %v", took)
		}
	})
}

func TestRequestsThatANodeDoesNotAnswer(t *testing.T) {
	g := give(t, "a", modelDir(t, 7, true), nil)
	conn, err := grpc.NewClient("passthrough:///"+g.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	service := hachiv1.NewWeightsServiceClient(conn)
	const part = "expert-000-001.safetensors"
	size, version, _ := g.File(part)
	for name, tt := range map[string]struct {
		r    *hachiv1.ReadFileRequest
		want codes.Code
	}{
		"all of it":         {&hachiv1.ReadFileRequest{Name: part, Version: version, Size: uint64(size)}, codes.OK},
		"nothing":           {&hachiv1.ReadFileRequest{Name: part, Version: version, Offset: uint64(size)}, codes.OK},
		"no such file":      {&hachiv1.ReadFileRequest{Name: "../" + part, Version: version, Size: 1}, codes.NotFound},
		"no such expert":    {&hachiv1.ReadFileRequest{Name: "expert-000-099.safetensors", Version: version, Size: 1}, codes.NotFound},
		"another version":   {&hachiv1.ReadFileRequest{Name: part, Version: "x", Size: 1}, codes.FailedPrecondition},
		"beyond the end":    {&hachiv1.ReadFileRequest{Name: part, Version: version, Offset: 1, Size: uint64(size)}, codes.InvalidArgument},
		"far beyond":        {&hachiv1.ReadFileRequest{Name: part, Version: version, Offset: math.MaxUint64, Size: 2}, codes.InvalidArgument},
		"a sum that wraps":  {&hachiv1.ReadFileRequest{Name: part, Version: version, Offset: 16, Size: math.MaxUint64 - 8}, codes.InvalidArgument},
		"config.json whole": {&hachiv1.ReadFileRequest{Name: "config.json", Version: versionOf(t, g, "config.json"), Size: sizeOf(g, "config.json")}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := service.ReadFile(t.Context(), tt.r)
			got := uint64(0)
			for err == nil {
				var r *hachiv1.ReadFileResponse
				if r, err = stream.Recv(); err == nil {
					got += uint64(len(r.GetData()))
				}
			}
			if tt.want == codes.OK && (err.Error() != "EOF" || got != tt.r.GetSize()) || tt.want != codes.OK && (status.Code(err) != tt.want || got > 0) {
				t.Errorf("%d bytes, %v, expected %v", got, err, tt.want)
			}
		})
	}
}

func versionOf(t *testing.T, g *giver, name string) string {
	t.Helper()
	_, version, ok := g.File(name)
	if !ok {
		t.Fatal("no file ", name)
	}
	return version
}

func sizeOf(g *giver, name string) uint64 {
	size, _, _ := g.File(name)
	return uint64(size)
}
