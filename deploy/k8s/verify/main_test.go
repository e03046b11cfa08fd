package verify

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

// etcdEnv makes the test binary etcd, so that pods of etcd's image run what
// the image runs.
const etcdEnv = "HACHI_VERIFY_ETCD"

func TestMain(m *testing.M) {
	if os.Getenv(etcdEnv) == "1" {
		os.Unsetenv(etcdEnv)
		etcdmain.Main(os.Args)
		return
	}
	if secrets := os.Getenv(kubectlEnv); secrets != "" {
		if err := kubectl(secrets, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	debug.SetGCPercent(400) // renderings allocate much and keep little
	var err error
	if imageRoot, err = os.MkdirTemp("", "hachi-image"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(imageRoot)
	return m.Run()
}
