package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// smallDisk is a directory on a disk of its own with some MiB, full but for free
// of them when free is not negative.
func smallDisk(t *testing.T, size, free int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)+"m"); err != nil {
		t.Skipf("a disk to fill needs root: mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if free >= 0 {
		fill(t, dir, (size-free)<<20)
	}
	return dir
}

// fill writes a file of some bytes, or of all that the disk has room for.
func fill(t *testing.T, dir string, bytes int) (path string) {
	t.Helper()
	path = filepath.Join(dir, "fill")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for written := 0; written < bytes; written += len(block) {
		if _, err := f.Write(block); err != nil {
			break // full
		}
	}
	return path
}

func TestAFullDiskAtTheStartIsOneLine(t *testing.T) {
	t.Parallel()
	for _, free := range []int{0, 1} {
		dir := smallDisk(t, 2, free)
		status, said := hachi.Run(t, "up", "--model", hachi.Model, "--nodes", "1", "--listen", freeport.Address(t), "--data-dir", dir)
		if status != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "the disk is full: "+dir) || !strings.Contains(said, "--data-dir") {
			t.Errorf("with %d MiB free: status %d, said %q", free, status, said)
		}
	}
}

// TestADiskThatFillsUpEndsNothing: etcd dies on the full disk, the cluster serves
// on, and etcd comes back when there is room.
func TestADiskThatFillsUpEndsNothing(t *testing.T) {
	harness.Slow(t)
	dir, listen := smallDisk(t, 200, -1), freeport.Address(t)
	url := "http://" + listen
	up := hachi.Start(t, "up", "--model", hachi.Model, "--nodes", "1", "--listen", listen, "--data-dir", dir, "--kv-cache-memory", "64Mi", "--lease-ttl", harness.ShortTTL.String())
	eventually.True(t, "the cluster serves", func() bool { return harness.Serves(url) })
	want := harness.MustCompleteAll(t, url, 8)
	full := fill(t, dir, 1<<30)
	if pid, ok := etcdOf(t, dir); ok { // unless it died of a write already
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	eventually.True(t, "the end of etcd is printed", func() bool { return strings.Contains(up.Output(t), "etcd-0 ended: ") })
	for range 3 {
		harness.Compare(t, "on a full disk", harness.MustCompleteAll(t, url, 8), want)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "etcd answers, and every process is registered", func() bool {
		code, said := hachi.Run(t, "status", "--data-dir", dir)
		return code == 0 && strings.Contains(said, "coordinator-0 leads") && strings.Contains(said, "expert-0") && strings.Contains(said, "router-0")
	})
	harness.Compare(t, "with room again", harness.MustCompleteAll(t, url, 8), want)
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := up.Wait(); err != nil {
		t.Errorf("an interrupt ends it with %v", err)
	}
}

// etcdOf finds the process of the embedded etcd on a data directory, if one runs.
func etcdOf(t *testing.T, dir string) (pid int, ok bool) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), "\x00etcd\x00--dir\x00"+dir) {
			continue // another process, or one that has ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		return pid, true
	}
	return 0, false
}

func TestADeadEtcdIsRestarted(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	var dir string
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { dir = c.DataDir })
	before, ok := etcdOf(t, dir)
	if !ok {
		t.Fatal("no etcd runs on ", dir)
	}
	cluster.DuringAnswers(t, func() {
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	eventually.True(t, "etcd answers again", func() bool {
		code, _ := hachi.Run(t, "status", "--data-dir", dir)
		now, runs := etcdOf(t, dir)
		return code == 0 && runs && now != before
	})
}

// TestDamagedDataOfEtcdIsGivenUp: at the start nothing of it is needed, and later
// the cluster writes it again.
func TestDamagedDataOfEtcdIsGivenUp(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{"etcd/member/wal/0000000000000000-0000000000000000.wal", "etcd/member/snap/db"} {
		damage(t, filepath.Join(dir, path))
	}
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.DataDir = dir })
	want := harness.MustCompleteAll(t, cluster.URL(), 8)
	logs, err := filepath.Glob(filepath.Join(dir, "etcd", "member", "wal", "*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs of etcd: %v, %v", logs, err)
	}
	for _, path := range logs {
		damage(t, path)
	}
	etcd, ok := etcdOf(t, dir)
	if !ok {
		t.Fatal("no etcd runs on ", dir)
	}
	if err := syscall.Kill(etcd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	harness.Compare(t, "without etcd", harness.MustCompleteAll(t, cluster.URL(), 8), want)
	eventually.True(t, "every process is registered again", func() bool {
		code, said := hachi.Run(t, "status", "--data-dir", dir)
		return code == 0 && strings.Contains(said, "coordinator-0 leads") && strings.Contains(said, "expert-2") && strings.Contains(said, "router-0")
	})
	harness.Compare(t, "with an empty etcd", harness.MustCompleteAll(t, cluster.URL(), 8), want)
}

// damage writes noise over the beginning of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Repeat("noise", 4096)); err != nil {
		t.Fatal(err)
	}
}
