package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// container is what a pod runs.
type container interface {
	// ready returns nil when the pod is ready, or why it will not be.
	ready(context.Context) error
	// stop ends it as at the deletion of the pod.
	stop() error
}

// kubelet stands for the kubelets of all machines: it runs the pods that the scheduler
// has placed, reports that they are ready, and confirms their deletion.
type kubelet struct {
	plane *plane
	run   func(*corev1.Pod) (ip string, c container, err error)

	mu     sync.Mutex
	pods   map[types.UID]chan struct{} // closed at the deletion of a pod
	all    sync.WaitGroup
	faults []error
}

// startKubelet follows the pods of a namespace until ctx ends; wait waits for what it
// runs, and returns what went wrong.
func startKubelet(ctx context.Context, p *plane, namespace string, run func(*corev1.Pod) (string, container, error)) *kubelet {
	k := &kubelet{plane: p, run: run, pods: map[types.UID]chan struct{}{}}
	pods := cache.NewListWatchFromClient(p.CoreV1().RESTClient(), "pods", namespace, fields.OneTermNotEqualSelector("spec.nodeName", ""))
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: pods, ObjectType: &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { k.see(ctx, o.(*corev1.Pod)) },
			UpdateFunc: func(_, o any) { k.see(ctx, o.(*corev1.Pod)) },
		},
	})
	k.all.Go(func() { informer.RunWithContext(ctx) })
	return k
}

// wait waits until everything that runs has ended, which it does with the context.
func (k *kubelet) wait() []error {
	k.all.Wait()
	return k.faults
}

// see starts a pod that is new, and stops one that is deleted.
func (k *kubelet) see(ctx context.Context, pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	deleted, known := k.pods[pod.UID]
	if !known {
		deleted = make(chan struct{})
		k.pods[pod.UID] = deleted
		k.all.Go(func() {
			if err := k.live(ctx, pod.DeepCopy(), deleted); err != nil && ctx.Err() == nil {
				k.mu.Lock()
				defer k.mu.Unlock()
				k.faults = append(k.faults, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
			}
		})
	}
	if pod.DeletionTimestamp != nil {
		select {
		case <-deleted:
		default:
			close(deleted)
		}
	}
}

// live is the life of a pod.
func (k *kubelet) live(ctx context.Context, pod *corev1.Pod, deleted chan struct{}) error {
	ip, c, err := k.run(pod)
	if err != nil {
		return err
	}
	serving, end := context.WithCancel(ctx)
	defer end()
	ready := make(chan error, 1)
	go func() { ready <- c.ready(serving) }()
	if err := k.report(ctx, pod, ip, corev1.ConditionFalse); err != nil {
		return stopped(c, err)
	}
	select {
	case err := <-ready:
		if err != nil {
			return stopped(c, err)
		}
		if err := k.report(ctx, pod, ip, corev1.ConditionTrue); err != nil {
			return stopped(c, err)
		}
	case <-deleted:
	case <-ctx.Done():
	}
	select {
	case <-deleted:
	case <-ctx.Done():
	}
	if err := c.stop(); err != nil || ctx.Err() != nil {
		return err
	}
	now := int64(0)
	err = k.plane.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func stopped(c container, err error) error {
	if apierrors.IsNotFound(err) {
		err = nil // the pod is gone already
	}
	if end := c.stop(); err == nil {
		return end
	}
	return err
}

// report writes the status of a pod that runs.
func (k *kubelet) report(ctx context.Context, pod *corev1.Pod, ip string, ready corev1.ConditionStatus) error {
	now := metav1.Now()
	status := corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, StartTime: &now}
	for _, kind := range []corev1.PodConditionType{corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		c := corev1.PodCondition{Type: kind, Status: ready, LastTransitionTime: now}
		if kind == corev1.PodInitialized {
			c.Status = corev1.ConditionTrue
		}
		status.Conditions = append(status.Conditions, c)
	}
	running := true
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "process://" + string(pod.UID), Started: &running, Ready: ready == corev1.ConditionTrue,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	for {
		fresh, err := k.plane.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if fresh.UID != pod.UID {
			return apierrors.NewNotFound(corev1.Resource("pods"), pod.Name)
		}
		scheduled := fresh.Status.Conditions
		fresh.Status = status
		for _, c := range scheduled {
			if c.Type == corev1.PodScheduled {
				fresh.Status.Conditions = append(fresh.Status.Conditions[:len(fresh.Status.Conditions):len(fresh.Status.Conditions)], c)
			}
		}
		_, err = k.plane.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, fresh, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}

// nothing is the container of a pod that runs nothing: it is ready at once, and stops
// when gate is closed, or at once without one.
type nothing struct{ gate <-chan struct{} }

func (nothing) ready(context.Context) error { return nil }

func (n nothing) stop() error {
	if n.gate != nil {
		select {
		case <-n.gate:
		case <-time.After(time.Minute):
		}
	}
	return nil
}
