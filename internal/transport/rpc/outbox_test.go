package rpc

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestPushSendsWhatCannotWait: a message is sent by its pusher only if gRPC has freed all
// others; what waits goes out by run, in order.
func TestPushSendsWhatCannotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []uint64
		var held []*outgoing
		gate := make(chan struct{}, 8)
		o := newOutbox(func(m *outgoing) error {
			if len(held) > 0 {
				<-gate // an exhausted write quota
			}
			sent, held = append(sent, m.sequence), append(held, m)
			return nil
		})
		push := func(sequence uint64) {
			m := newOutbound().message(1, func(b []byte) []byte { return append(b, 0) }, nil, nil)
			m.sequence = sequence
			o.push(m)
		}
		check := func(when string, want ...uint64) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(sent, want) {
				t.Errorf("%s: %v are sent, expected %v", when, sent, want)
			}
		}
		push(1)
		check("pushed into an idle outbox", 1)
		push(2)
		push(3)
		check("without a writer", 1)
		go o.run()
		push(4)
		check("the writer waits", 1)
		if !o.remove(3) || o.remove(2) {
			t.Error("only what waits in the queue can be removed")
		}
		gate <- struct{}{}
		gate <- struct{}{}
		check("the writer goes on", 1, 2, 4)
		for _, m := range held {
			m.drop()
		}
		held = nil
		push(5)
		check("all is freed", 1, 2, 4, 5)
		o.close()
		o.join()
		push(6)
		check("closed", 1, 2, 4, 5)
	})
}

// TestJoinWaitsForAPusher: a stream must not be used once its handler has returned, also not
// by a pusher.
func TestJoinWaitsForAPusher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, joined := make(chan struct{}), false
		o := newOutbox(func(m *outgoing) error { <-gate; m.drop(); return nil })
		go o.push(newOutbound().plain(nil))
		synctest.Wait()
		o.close()
		go func() { o.join(); joined = true }()
		synctest.Wait()
		if joined {
			t.Error("joined while a message is being sent")
		}
		close(gate)
		synctest.Wait()
		if !joined {
			t.Error("not joined after the end of the sending")
		}
	})
}
