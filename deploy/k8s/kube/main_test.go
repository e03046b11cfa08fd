package kube

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

// etcdEnv makes the test binary etcd, so that pods of etcd's image run what the image
// runs.
const etcdEnv = "HACHI_KUBE_ETCD"

// pauseEnv makes the test binary the program that keeps the namespaces of a pod.
const pauseEnv = "HACHI_KUBE_PAUSE"

var (
	components = flag.String("components", "", "the program of ./components, which make kube builds")
	program    = flag.String("hachi", "", "the program of the image, which make kube builds")
	layout     = flag.String("layout", "", "the image, which make image writes; only in the namespaces that node.sh makes")
	plugins    = flag.String("plugins", "/usr/lib/cni", "the plugins of CNI")
)

// control is the control plane of all tests.
var control *plane

func TestMain(m *testing.M) {
	if os.Getenv(etcdEnv) == "1" {
		os.Unsetenv(etcdEnv)
		etcdmain.Main(os.Args)
		return
	}
	if os.Getenv(pauseEnv) == "1" {
		end := make(chan os.Signal, 1)
		signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
		<-end
		return
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if *components == "" || *program == "" {
		fmt.Fprintln(os.Stderr, "-components and -hachi are missing: run make kube")
		return 1
	}
	dir, err := os.MkdirTemp("", "hachi-kube-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if control, err = startPlane(ctx, dir, *components); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer control.stop()
	return m.Run()
}
