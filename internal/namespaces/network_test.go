package namespaces

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// echoEnv makes the test binary a server that echoes, on the address that it has.
const echoEnv = "HACHI_TEST_ECHO"

func TestMain(m *testing.M) {
	if address := os.Getenv(echoEnv); address != "" {
		if err := echo(address); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

func echo(address string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	_, err = io.Copy(conn, conn)
	return err
}

// dial starts a process that echoes inside and connects to it.
func dial(t testing.TB, n *Network, name string) net.Conn {
	t.Helper()
	argv := n.Command(name, os.Args[:1])
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), echoEnv+"="+n.Address(name))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address[:len(address)-1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestLostPacketsVanishUntilTheyHeal(t *testing.T) {
	n, err := New(t.Context(), "a", "b")
	if err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	a, b := dial(t, n, "a"), dial(t, n, "b")
	answer := func(c net.Conn) error {
		var got [1]byte
		_, err := io.ReadFull(c, got[:])
		return err
	}
	for _, l := range []Loss{All, Sent, Received} {
		if err := n.Lose(t.Context(), "a", l); err != nil {
			t.Fatal(err)
		}
		for _, c := range []net.Conn{a, b} {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		if err := answer(b); err != nil {
			t.Errorf("loss %d of another process: %v", l, err)
		}
		a.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if err := answer(a); !os.IsTimeout(err) {
			t.Errorf("loss %d: got %v, want silence", l, err)
		}
		if err := n.Heal(t.Context(), "a", l); err != nil {
			t.Fatal(err)
		}
		a.SetReadDeadline(time.Now().Add(time.Minute)) // retransmissions double their wait
		if err := answer(a); err != nil {
			t.Errorf("loss %d, healed: %v", l, err)
		}
	}
}

// TestLossesOfOneWayEndWithTheLast: what a sends and what b should receive vanish, so
// that the way from a to b has two losses.
func TestLossesOfOneWayEndWithTheLast(t *testing.T) {
	n, err := New(t.Context(), "a", "b")
	if err != nil {
		t.Skip(err)
	}
	defer n.Close()
	a := dial(t, n, "a")
	for _, do := range []func() error{
		func() error { return n.Lose(t.Context(), "a", Sent) },
		func() error { return n.Lose(t.Context(), "b", Received) },
		func() error { return n.Heal(t.Context(), "a", Sent) },
		func() error { return n.Heal(t.Context(), "b", Received) },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
	}
	if len(n.lost) > 0 {
		t.Errorf("lost after the end: %v", n.lost)
	}
	a.SetDeadline(time.Now().Add(time.Minute))
	if _, err := a.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(a, make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

// TestALossThatTheKernelForgotHeals: an interface that goes down forgets its neighbors.
func TestALossThatTheKernelForgotHeals(t *testing.T) {
	n, err := New(t.Context(), "a")
	if err != nil {
		t.Skip(err)
	}
	defer n.Close()
	if err := n.Lose(t.Context(), "a", Received); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"down", "up"} {
		if err := ip(t.Context(), "link", "set", n.bridge, state); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Heal(t.Context(), "a", Received); err != nil {
		t.Error(err)
	}
}

func TestNamesOutsideAreThisMachine(t *testing.T) {
	n, err := New(t.Context())
	if err != nil {
		t.Skip(err)
	}
	defer n.Close()
	if n.Address("router-0") != n.Host() || len(n.Command("router-0", []string{"a"})) != 1 {
		t.Errorf("%s, %v", n.Address("router-0"), n.Command("router-0", []string{"a"}))
	}
}

// TestADisturbedWireCarriesEveryByte: TCP makes good what vanishes, comes late or comes
// twice, but not a bit that a right checksum covers.
func TestADisturbedWireCarriesEveryByte(t *testing.T) {
	n, err := New(t.Context(), "a", "b")
	if err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	a := dial(t, n, "a")
	sent := make([]byte, 256<<10)
	for i := range sent {
		sent[i] = byte(i * i >> 3)
	}
	echoed := func() (changed int) {
		a.SetDeadline(time.Now().Add(time.Minute))
		go func() { _, _ = a.Write(sent) }()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(a, got); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i] != sent[i] {
				changed++
			}
		}
		return changed
	}
	for _, test := range []struct {
		name    string
		wire    Wire
		min     time.Duration
		changes bool
	}{
		{name: "as it is"},
		{name: "late", wire: Wire{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond}, min: 40 * time.Millisecond},
		{name: "lossy", wire: Wire{Loss: 0.05, Twice: 0.1}},
		{name: "narrow", wire: Wire{Rate: 1 << 20}, min: 200 * time.Millisecond},
		{name: "damaged", wire: Wire{Damage: 1}, changes: true},
	} {
		if err := n.Disturb(t.Context(), "a", test.wire); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if changed := echoed(); (changed > 0) != test.changes {
			t.Errorf("%s: %d bytes changed", test.name, changed)
		}
		if took := time.Since(began); took < test.min {
			t.Errorf("%s: took %v, want at least %v", test.name, took, test.min)
		}
		if err := n.Calm(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if changed := echoed(); changed != 0 {
			t.Errorf("after %s: %d bytes changed", test.name, changed)
		}
	}
	if err := n.Disturb(t.Context(), "a", Wire{}); err != nil { // Close ends it
		t.Fatal(err)
	}
}
