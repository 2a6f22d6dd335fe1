// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var isThere = valueTest{func(string) bool { return true }, "true"}

// podKeys are annotations of a pod by which a network plugin gives it an address
// of its own that leads in from outside, without any Service.
// https://docs.tigera.io/calico/latest/networking/ipam/add-floating-ip
// https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/associate-an-eip-with-a-pod-1
// https://www.alibabacloud.com/help/en/cs/user-guide/notes-on-mounting-an-independent-public-network-eip-for-a
// https://imroc.cc/tke/en/networking/pod-eip
// https://support.huaweicloud.com/intl/en-us/devg-cci/cci_05_1034.html
var podKeys = []publishKey{
	{key: "cni.projectcalico.org/floatingIPs", set: isSet, says: "has Calico lead the floating addresses %s to the pod"},
	{key: "k8s.aliyun.com/pod-with-eip", set: isBoolean, says: "gets a public address of its own from Alibaba Cloud"},
	{key: "k8s.aliyun.com/eci-with-eip", set: isBoolean, says: "gets a public address of its own from Alibaba Cloud"},
	{key: "network.alibabacloud.com/pod-with-eip", set: isBoolean, says: "gets a public address of its own from Alibaba Cloud"},
	{key: "tke.cloud.tencent.com/eip-attributes", set: isThere, says: "gets a public address of its own from Tencent Cloud"},
	{key: "eks.tke.cloud.tencent.com/eip-attributes", set: isThere, says: "gets a public address of its own from Tencent Cloud"},
	{key: "yangtse.io/pod-with-eip", set: isBoolean, says: "gets a public address of its own from Huawei Cloud"},
}

var judgePodKeys = onPods(func(t inventory.Template, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for i := range podKeys {
		k := &podKeys[i]
		v, present := t.Meta.Annotations[k.key]
		if !present || !k.set.holds(v) {
			continue
		}
		f := k.finding(k.key, v)
		if t.Field != "" {
			f.Field = t.Field + "." + f.Field
		}
		f.Path = []string{"outside", inputName(in)}
		out = append(out, f)
	}
	return out
})

// podKeyFaults is judgePodKeys.
func podKeyFaults() string {
	lists := make([]string, 0, len(podKeys))
	for _, k := range podKeys {
		value := "t.?metadata.?annotations[?" + cel.Quote(k.key) + "]"
		lists = append(lists, cel.When(value+".hasValue()", cel.Let("v", value+`.orValue("")`, cel.When(k.set.cel, "["+cel.Quote("annotation/"+k.key)+"]"))))
	}
	return onTemplate(cel.Concat(lists...))
}
