package kube

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// plane is a running control plane.
type plane struct {
	*kubernetes.Clientset
	dynamic  *dynamic.DynamicClient
	warnings *warnings

	dir     string
	etcd    *embed.Etcd
	running []process
}

// process is one that is part of the plane. ended is closed when it has ended.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
}

// token is the credential of the test, and of the components.
const token = "of-the-test"

// warnings are what the API server warns of.
type warnings struct {
	mu  sync.Mutex
	all []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, text)
}

// take returns the warnings since the last call.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.all
	w.all = nil
	return all
}

// startPlane starts a control plane whose files are in dir. components is the program
// of ./components.
func startPlane(ctx context.Context, dir, components string) (p *plane, err error) {
	p = &plane{dir: dir, warnings: &warnings{}}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	if p.etcd, err = startEtcd(filepath.Join(dir, "etcd")); err != nil {
		return p, err
	}
	if err := writeKeys(dir); err != nil {
		return p, err
	}
	port, err := freePort()
	if err != nil {
		return p, err
	}
	if err := p.start(components, "kube-apiserver",
		"--etcd-servers=http://"+p.etcd.Clients[0].Addr().String(), "--bind-address=127.0.0.1", "--secure-port="+port, "--cert-dir="+dir,
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC", "--token-auth-file="+filepath.Join(dir, "tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+filepath.Join(dir, "sa.pub"),
		"--service-account-signing-key-file="+filepath.Join(dir, "sa.key"),
	); err != nil {
		return p, err
	}
	// The certificate is one of its own, made at the start.
	config := &rest.Config{
		Host: "https://127.0.0.1:" + port, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
		QPS: 500, Burst: 1000, WarningHandler: p.warnings,
	}
	if p.Clientset, err = kubernetes.NewForConfig(config); err != nil {
		return p, err
	}
	if p.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return p, err
	}
	if err := p.until(ctx, func(ctx context.Context) error {
		return p.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return p, fmt.Errorf("kube-apiserver: %w", err)
	}
	return p, p.startControllers(components, config.Host)
}

// startControllers starts what acts on the objects of the API.
func (p *plane) startControllers(components, host string) error {
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["test"] = &clientcmdapi.Cluster{Server: host, InsecureSkipTLSVerify: true}
	kubeconfig.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token}
	kubeconfig.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	kubeconfig.CurrentContext = "test"
	file := filepath.Join(p.dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*kubeconfig, file); err != nil {
		return err
	}
	return errors.Join(
		// The stub's machines renew no lease: none is given up for that.
		p.start(components, "kube-controller-manager", "--kubeconfig="+file, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=300", "--kube-api-burst=600",
			"--service-account-private-key-file="+filepath.Join(p.dir, "sa.key"), "--node-monitor-grace-period=1h"),
		p.start(components, "kube-scheduler", "--kubeconfig="+file, "--authentication-kubeconfig="+file, "--authorization-kubeconfig="+file, "--leader-elect=false", "--secure-port=0"),
	)
}

func startEtcd(dir string) (*embed.Etcd, error) {
	c := embed.NewConfig()
	c.Dir, c.LogLevel, c.UnsafeNoFsync = dir, "error", true
	local := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c.ListenClientUrls, c.ListenPeerUrls = local, local
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, err
	}
	select {
	case <-e.Server.ReadyNotify():
		return e, nil
	case <-time.After(time.Minute):
		e.Close()
		return nil, errors.New("etcd is not ready after a minute")
	}
}

// writeKeys writes the keys of service accounts and the token.
func writeKeys(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "sa.key"), private, 0o600),
		os.WriteFile(filepath.Join(dir, "sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600),
		os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(token+",test,test,system:masters\n"), 0o600),
	)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// start starts a component of the program of ./components.
func (p *plane) start(components, name string, flags ...string) error {
	return p.launch(name, exec.Command(components, append([]string{name}, flags...)...))
}

// launch starts a process. Its log is in a file of its name.
func (p *plane) launch(name string, cmd *exec.Cmd) error {
	log, err := os.Create(filepath.Join(p.dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	p.running = append(p.running, process{name, cmd, ended})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its log says why
	}()
	return nil
}

// until calls done until it returns nil, ctx ends, or a component ends.
func (p *plane) until(ctx context.Context, done func(context.Context) error) error {
	for {
		err := done(ctx)
		if err == nil {
			return nil
		}
		for _, r := range p.running {
			select {
			case <-r.ended:
				return fmt.Errorf("%s has ended: %s", r.name, p.log(r.name))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// log is the end of the log of a component.
func (p *plane) log(name string) string {
	raw, err := os.ReadFile(filepath.Join(p.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-3000):])
}

// stop ends everything that startPlane has started. Nothing of it is kept.
func (p *plane) stop() {
	for _, r := range slices.Backward(p.running) {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
	}
	if p.etcd != nil {
		p.etcd.Close()
	}
}
