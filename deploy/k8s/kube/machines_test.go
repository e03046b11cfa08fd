package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// storage makes a class that is the default, and a volume for each claim of objects: no
// driver of storage runs here.
func (p *plane) storage(ctx context.Context, namespace string, all []*unstructured.Unstructured) error {
	const class = "test"
	mode := storagev1.VolumeBindingImmediate
	_, err := p.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: class, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &mode,
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	claims, err := claimsOf(all)
	if err != nil {
		return err
	}
	for claim, spec := range claims {
		// Its user is that of a pod, where there is a kubelet.
		dir := filepath.Join(p.dir, "volumes", namespace, claim)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o777)); err != nil {
			return err
		}
		if _, err := p.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: namespace + "-" + claim},
			Spec: corev1.PersistentVolumeSpec{
				Capacity: spec.Resources.Requests, AccessModes: spec.AccessModes,
				StorageClassName: class, ClaimRef: &corev1.ObjectReference{Namespace: namespace, Name: claim},
				PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: dir}},
			},
		}, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// claimsOf are the claims among objects, by name, with those of each pod of a StatefulSet.
func claimsOf(all []*unstructured.Unstructured) (map[string]corev1.PersistentVolumeClaimSpec, error) {
	out := map[string]corev1.PersistentVolumeClaimSpec{}
	for _, o := range all {
		convert := runtime.DefaultUnstructuredConverter.FromUnstructured
		switch o.GetKind() {
		case "PersistentVolumeClaim":
			var claim corev1.PersistentVolumeClaim
			if err := convert(o.Object, &claim); err != nil {
				return nil, err
			}
			out[claim.Name] = claim.Spec
		case "StatefulSet":
			var set appsv1.StatefulSet
			if err := convert(o.Object, &set); err != nil {
				return nil, err
			}
			if set.Spec.Replicas == nil { // an autoscaler says how many
				continue
			}
			for i := range *set.Spec.Replicas {
				for _, c := range set.Spec.VolumeClaimTemplates {
					out[fmt.Sprintf("%s-%s-%d", c.Name, set.Name, i)] = c.Spec
				}
			}
		}
	}
	return out, nil
}

// machines makes nodes that kubelets of this test are on. change changes each before.
func (p *plane) machines(ctx context.Context, prefix string, n int, change func(*corev1.Node)) error {
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("512Gi"), corev1.ResourcePods: resource.MustParse("200"),
	}
	for i := range n {
		name := fmt.Sprintf("%s-%d", prefix, i)
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
				corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%3), "machines": prefix,
			}},
			Status: corev1.NodeStatus{Capacity: room.DeepCopy(), Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Test"}}},
		}
		if change != nil {
			change(node)
		}
		node.Status.Allocatable = node.Status.Capacity
		if _, err := p.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}
