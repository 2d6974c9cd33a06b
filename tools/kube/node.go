//go:build !control

package main

import (
	"context"

	"k8s.io/component-base/cli"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// What only a cluster with a node needs; the build tag "control" leaves it out.
func init() {
	components["kube-scheduler"] = func() int { return cli.Run(scheduler.NewSchedulerCommand()) }
	components["kubelet"] = func() int { return cli.Run(kubelet.NewKubeletCommand(context.Background())) }
	components["kube-proxy"] = func() int { return cli.Run(proxy.NewProxyCommand()) }
}
