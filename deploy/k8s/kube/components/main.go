// Command components is Kubernetes in one program: its first argument is the component
// that it becomes.
//
// The module of Kubernetes replaces its own parts by folders, so that `go install`
// refuses its commands; the mains here are the same as those.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	components := map[string]func() *cobra.Command{
		"kube-apiserver": apiserver.NewAPIServerCommand, "kube-controller-manager": controllers.NewControllerManagerCommand,
		"kube-scheduler": func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":        func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }, "kube-proxy": proxy.NewProxyCommand,
	}
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: components kube-apiserver|kube-controller-manager|kube-scheduler|kubelet|kube-proxy FLAGS")
		os.Exit(2)
	}
	command := components[os.Args[1]]()
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command))
}
