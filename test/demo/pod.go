// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// pod says what a scheduler and a kubelet would: that the Pod of the application is on a
// node, that it runs, at an address, and that it is ready.
func (d *demo) pod(address string) error {
	d.say("%s\n", d.style(dim, "# no kubelet is here: the demo runs the application as a process, and says that it is the Pod"))
	clients, err := kubernetes.NewForConfig(d.cp.RESTConfig())
	if err != nil {
		return err
	}
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(), Reason: "Demo"}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "here"}}
	if node, err = clients.CoreV1().Nodes().Create(d.ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	node.Status.Conditions = []corev1.NodeCondition{ready}
	if _, err = clients.CoreV1().Nodes().UpdateStatus(d.ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	pods := clients.CoreV1().Pods("shop")
	var one *corev1.Pod
	err = wait.PollUntilContextTimeout(d.ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=orders"})
		if err != nil || len(list.Items) == 0 {
			return false, err
		}
		one = &list.Items[0]
		return true, nil
	})
	if err != nil {
		return err
	}
	bound := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: one.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: node.Name}}
	if err := pods.Bind(d.ctx, bound, metav1.CreateOptions{}); err != nil {
		return err
	}
	if one, err = pods.Get(d.ctx, one.Name, metav1.GetOptions{}); err != nil {
		return err
	}
	one.Status.Phase, one.Status.PodIP, one.Status.PodIPs = corev1.PodRunning, address, []corev1.PodIP{{IP: address}}
	one.Status.Conditions = append(one.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()})
	if _, err = pods.UpdateStatus(d.ctx, one, metav1.UpdateOptions{}); err != nil {
		return err
	}
	slices := clients.DiscoveryV1().EndpointSlices("shop")
	return wait.PollUntilContextTimeout(d.ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := slices.List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=orders"})
		return err == nil && len(list.Items) > 0 && len(list.Items[0].Endpoints) > 0, err
	})
}
