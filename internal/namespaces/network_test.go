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
func dial(t *testing.T, n *Network, name string) net.Conn {
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
