package cores

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/eventually"
)

// holder names the budget that a process of this test holds until it is killed.
const holder = "HACHI_TEST_HOLD_CORES"

func TestMain(m *testing.M) {
	if path := os.Getenv(holder); path != "" {
		hold(path)
	}
	goleak.VerifyTestMain(m)
}

// hold takes every core and shows no progress.
func hold(path string) {
	member, err := Open(path, 4)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(member.Take(4))
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	runtime.KeepAlive(member)
}

func budget(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a budget needs Linux")
	}
	return filepath.Join(t.TempDir(), "cores")
}

func open(t testing.TB, path string, cores int) *Member {
	t.Helper()
	m, err := Open(path, cores)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// waiting counts the members that wait.
func waiting(m *Member) (n int) {
	for i := range m.shared.slots {
		if m.shared.slots[i].turn.Load() != 0 {
			n++
		}
	}
	return n
}

func TestWhoHasWorkGetsEveryFreeCore(t *testing.T) {
	path := budget(t)
	a, b := open(t, path, 4), open(t, path, 9) // a lives: the budget stays at 4
	if b.Cores() != 4 {
		t.Fatalf("%d cores", b.Cores())
	}
	if got := a.Take(9); got != 4 {
		t.Errorf("took %d of 4 free cores", got)
	}
	if got := b.More(1); got != 0 {
		t.Errorf("got %d more where none is free", got)
	}
	a.Release()
	if got := b.Take(3); got != 3 {
		t.Errorf("took %d of 3", got)
	}
	if got := a.Take(4); got != 1 {
		t.Errorf("took %d where one is free", got)
	}
	if got := b.More(4) + a.More(4); got != 0 {
		t.Errorf("got %d more where none is free", got)
	}
}

func TestWhoWaitsIsGivenACoreInTurn(t *testing.T) {
	path := budget(t)
	a := open(t, path, 2)
	a.Take(2)
	order := make(chan int, 2)
	var all sync.WaitGroup
	for i := range 2 {
		b := open(t, path, 2)
		all.Go(func() {
			b.Take(2)
			order <- i
		})
		eventually.True(t, "the next one waits", func() bool { return waiting(a) == i+1 })
	}
	for want := range 2 {
		if !a.Wanted() || !a.Pass() {
			t.Fatal("no core was passed on")
		}
		if got := <-order; got != want {
			t.Errorf("%d got the core of %d", got, want)
		}
	}
	if a.Held() != 0 || a.Wanted() || a.Pass() {
		t.Errorf("%d cores are left, wanted %v", a.Held(), a.Wanted())
	}
	all.Wait()
}

func TestAMemberThatYieldsComesBack(t *testing.T) {
	path := budget(t)
	a, b := open(t, path, 1), open(t, path, 1)
	a.Take(1)
	if a.Yield(); a.Held() != 1 {
		t.Fatal("a core went to no member")
	}
	var working sync.WaitGroup
	working.Go(func() {
		b.Take(1)
		eventually.True(t, "the other one waits", b.Wanted)
		b.Release()
	})
	eventually.True(t, "the other one waits", a.Wanted)
	if a.Yield(); a.Held() != 1 {
		t.Error("a core did not come back")
	}
	working.Wait()
}

// TestACoreIsNotLeftWithAMemberThatHasReleased: its turn came, and before it was given the
// core it found another one, computed and released.
func TestACoreIsNotLeftWithAMemberThatHasReleased(t *testing.T) {
	path := budget(t)
	a, b, c := open(t, path, 1), open(t, path, 1), open(t, path, 1)
	a.Take(1)
	if !a.hand(0, b.me) {
		t.Fatal("the core was not given")
	}
	if got := c.More(1); got != 1 {
		t.Errorf("%d cores for a member with work, want the one that no member uses", got)
	}
	c.Release()
	b.slot(b.me).busy.Store(1)
	a.Take(1)
	if a.hand(0, b.me); b.Held() != 1 {
		t.Error("a member with work was not given the core")
	}
}

// TestAMemberThatGivesUpIsCounted: it computes without a core, beside the owner of the
// only one.
func TestAMemberThatGivesUpIsCounted(t *testing.T) {
	path := budget(t)
	a, b := open(t, path, 1), open(t, path, 1)
	now := time.Now()
	b.now = func() time.Time { // a is alive all the time
		a.beat()
		now = now.Add(patience / 2)
		return now
	}
	a.Take(1)
	if got := b.Take(1); got != 0 || a.Running() != 2 {
		t.Errorf("took %d of no core, %d threads run, want 2", got, a.Running())
	}
	b.Release()
	if got := a.Running(); got != 1 {
		t.Errorf("%d threads run, want 1", got)
	}
}

// TestAKilledProcessGivesItsCoresBack kills one that holds every core: both one that
// has none, and waits, and one that has some get them.
func TestAKilledProcessGivesItsCoresBack(t *testing.T) {
	path := budget(t)
	for _, waits := range []bool{true, false} {
		m := open(t, path, 4)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), holder+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		in, err := child.StdinPipe() // the child ends with this process, too
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		held := 0
		if !waits {
			held = m.Take(1)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != fmt.Sprintln(4-held) {
			t.Fatalf("the process holds %q, %v", line, err)
		}
		if got := m.More(4); got != 0 {
			t.Fatalf("%d cores are free beside a process that lives", got)
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // killed
		eventually.True(t, "the cores are back", func() bool { return m.Take(4) == 4 })
		if got := m.Stats().Recovered; got != int64(4-held) {
			t.Errorf("%d cores were recovered", got)
		}
		m.Release()
	}
}

// TestAMemberThatDiesWhileItWaitsIsForgotten lets one end between any two steps of queue.
func TestAMemberThatDiesWhileItWaitsIsForgotten(t *testing.T) {
	path := budget(t)
	a := open(t, path, 1)
	for _, turn := range []uint32{0, 7} {
		a.Take(1)
		b, err := Open(path, 1)
		if err != nil {
			t.Fatal(err)
		}
		word, bit := b.waitingBit()
		word.Or(bit)
		b.slot(b.me).turn.Store(turn)
		if err := b.unmap(); err != nil {
			t.Fatal(err)
		}
		if turn != 0 { // the core goes to the dead one, and comes back
			a.Yield()
		}
		if a.Wanted() || a.Pass() || a.Held() != 1 {
			t.Errorf("turn %d: a dead member is waited for; %d cores are held", turn, a.Held())
		}
	}
}

// TestAHungMemberLosesItsCores lets time pass for one that lives and does not move.
func TestAHungMemberLosesItsCores(t *testing.T) {
	path := budget(t)
	a, b := open(t, path, 2), open(t, path, 2)
	now := time.Now()
	b.now = func() time.Time { return now }
	a.Take(2)
	for _, step := range []struct {
		after time.Duration
		moves bool
		want  int
	}{{0, false, 0}, {hungAfter / 2, false, 0}, {hungAfter, true, 0}, {hungAfter, false, 0}, {hungAfter / 2, false, 2}} {
		if now = now.Add(step.after); step.moves {
			a.Wanted()
		}
		if got := b.More(2); got != step.want {
			t.Fatalf("after %v more, moved %v: got %d", step.after, step.moves, got)
		}
	}
	if a.Release(); a.Held() != 0 || b.Held() != 2 {
		t.Error("a member gave back what it had lost")
	}
}

// TestNoCoreIsLostOrDoubled lets many members take, pass, yield and release at random.
func TestNoCoreIsLostOrDoubled(t *testing.T) {
	const cores, members, rounds = 3, 8, 400
	path := budget(t)
	var running atomic.Int32
	var all sync.WaitGroup
	watch := open(t, path, cores)
	for i := range members {
		m := open(t, path, cores)
		m.now = func() time.Time { return time.Time{}.Add(time.Hour) } // no member is ever stale
		random := rand.New(rand.NewPCG(1, uint64(i)))
		all.Go(func() {
			for range rounds {
				held := m.Take(1 + random.IntN(cores))
				if n := running.Add(int32(held)); held < 1 || n > cores {
					t.Errorf("%d cores are held, %d by one", n, held)
				}
				if random.IntN(2) == 0 {
					runtime.Gosched()
				}
				running.Add(int32(-held))
				if random.IntN(3) == 0 {
					m.Yield()
				}
				for random.IntN(2) == 0 && m.Pass() {
				}
				m.Release()
			}
		})
	}
	all.Wait()
	if got := watch.More(cores); got != cores || watch.Wanted() {
		t.Errorf("%d of %d cores are free in the end, wanted %v", got, cores, watch.Wanted())
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	path := budget(t)
	for name, write := range map[string]func(string) error{
		"another size": func(p string) error { return os.WriteFile(p, []byte("hello"), 0o600) },
		"another format": func(p string) error {
			return os.WriteFile(p, append([]byte("hello"), make([]byte, layoutSize-5)...), 0o600)
		},
		"open to others": func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			return os.Chmod(p, 0o644)
		},
		"a link":      func(p string) error { return os.Symlink("/dev/null", p) },
		"a directory": func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		p := path + strings.ReplaceAll(name, " ", "-")
		if err := write(p); err != nil {
			t.Fatal(err)
		}
		m, err := Open(p, 2)
		if fault := (*FileError)(nil); m != nil && err == nil || !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(filepath.Join(path, "absent", "cores"), 2); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, n := range []int{-1, 0, MaxCores + 1} {
		if _, err := Open(path, n); err == nil {
			t.Errorf("a budget of %d cores", n)
		}
	}
}

// FuzzBudget opens files of any content. It may refuse them; it must not stop, or
// give more cores than there are.
func FuzzBudget(f *testing.F) {
	f.Add([]byte{}, uint16(0))
	f.Add([]byte{0x20, 0x38, 0x73, 0x65, 0x72, 0x6f, 0x63, 0x68, 1, 0, 0, 0, 2}, uint16(64))
	f.Fuzz(func(t *testing.T, header []byte, at uint16) {
		path := budget(t)
		content := make([]byte, layoutSize)
		copy(content, header)
		copy(content[min(int(at), len(content)-1):], header)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path, 2)
		if err != nil {
			return
		}
		defer m.Close()
		if got := m.Take(2); got < 1 || got > m.Cores() {
			t.Errorf("took %d of %d cores", got, m.Cores())
		}
	})
}

func BenchmarkTakeAndRelease(b *testing.B) {
	for _, cores := range []int{2, 16} {
		b.Run(fmt.Sprint(cores), func(b *testing.B) {
			m := open(b, budget(b), cores)
			for b.Loop() {
				m.Take(cores)
				m.Release()
			}
		})
	}
}
