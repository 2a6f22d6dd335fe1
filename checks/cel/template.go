// SPDX-License-Identifier: Apache-2.0

package cel

// template is inventory.TemplateOf: every kind with a template but these has it at
// spec.template.
const template = `request.kind.kind == "Pod" && request.kind.group == "" ? self : ` +
	`request.kind.kind == "PodTemplate" && request.kind.group == "" ? self.?template.orValue({}) : ` +
	`request.kind.kind == "CronJob" && request.kind.group == "batch" ? self.?spec.?jobTemplate.?spec.?template.orValue({}) : ` +
	`self.?spec.?template.orValue({})`

// OnTemplate writes a list of faults of the pod template t of the object self; of a
// mirror pod, which stands for a file of its node, there are none.
func OnTemplate(faults string) string {
	mirror := `request.kind.kind == "Pod" && "kubernetes.io/config.mirror" in self.metadata.?annotations.orValue({}) && ` +
		List("self.metadata.?ownerReferences") + `.exists(o, o.?controller.orValue(false) && o.apiVersion == "v1" && o.kind == "Node")`
	return When(Not(mirror), Let("t", template, When("type(t) == map", faults)))
}

// Containers are all of the pod template t, init and ephemeral ones included.
var Containers = Concat(List("t.?spec.?containers"), List("t.?spec.?initContainers"), List("t.?spec.?ephemeralContainers"))
