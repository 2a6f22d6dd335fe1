// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// podBackstops are those of the checks that look at a pod template.
func podBackstops() map[string]checks.Backstop {
	return map[string]checks.Backstop{
		"EXP-040": rules(hostPortRules),
		"EXP-041": one(func(*checks.Parameters) string {
			return onTemplate(`["hostNetwork", "hostPID", "hostIPC"].filter(n, t.?spec[?n].orValue(false))`)
		}),
		"EXP-042": one(func(*checks.Parameters) string { return onTemplate(probeFaults()) }),
		"EXP-044": rules(meshRules),
	}
}

// onTemplate is onPods: faults of the pod template t.
func onTemplate(faults string) string { return cel.OnTemplate(faults) }

// containers are all of a template, init and ephemeral ones included.
var containers = cel.Containers

// hostPortRules are judgeHostPorts; a port of the loopback address is milder.
func hostPortRules(*checks.Parameters) []checks.BackstopRule {
	const loopback = `[p.?hostIP.orValue("")].exists(h, isIP(h) && ip(h).isLoopback() || h.startsWith("::ffff:127."))`
	subject := `"container/" + c.name + "/hostPort/" + string(p.hostPort) + "/" + p.?protocol.orValue("TCP")`
	taken := func(which string) string {
		ports := cel.List("c.?ports") + ".filter(p, p.?hostPort.orValue(0) != 0 && " + which + ").map(p, " + subject + ")"
		return onTemplate(cel.When("!t.?spec.?hostNetwork.orValue(false)", cel.Flatten("("+containers+".map(c, "+ports+"))")))
	}
	return []checks.BackstopRule{
		{Faults: taken("!" + loopback)},
		{Faults: taken(loopback), Severity: checks.Medium},
	}
}

// probeFaults are judgeProbes.
func probeFaults() string {
	actions := make([]string, 0, 10)
	for _, at := range []string{"livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"} {
		path := "c.?" + strings.ReplaceAll(at, ".", ".?")
		for _, means := range []string{"httpGet", "tcpSocket"} {
			host := path + ".?" + means + `.?host.orValue("")`
			actions = append(actions, cel.When(host+` != ""`, `["container/" + c.name + "/`+at+`/" + `+host+"]"))
		}
	}
	return cel.Flatten("(" + containers + ".map(c, " + cel.Concat(actions...) + "))")
}

// meshRules are judgeMesh, and removedGatewayMarks as a step.
func meshRules(p *checks.Parameters) []checks.BackstopRule {
	pods := templateKinds()
	ends := cel.Any(`request.kind.kind in ["Job", "CronJob"] && request.kind.group == "batch"`,
		cel.List("self.metadata.?ownerReferences")+`.exists(o, o.?controller.orValue(false) && (o.kind == "Job" && o.apiVersion.startsWith("batch/") || o.kind == "Challenge" && o.apiVersion.startsWith("acme.cert-manager.io/")))`)
	left := func(which func(bypass) bool) string {
		var lists []string
		for _, b := range bypasses {
			if !which(b) {
				continue
			}
			for _, list := range []struct {
				name string
				not  place
			}{{"annotations", onLabel}, {"labels", onAnnotation}} {
				if b.on == list.not {
					continue
				}
				value := "t.?metadata.?" + list.name + "[?" + cel.Quote(b.key) + "]"
				lists = append(lists, cel.When(value+".hasValue()", cel.Let("v", value+`.orValue("")`, cel.When(b.bypasses.cel, "["+cel.Quote(list.name+"/"+b.key+"=")+" + v]"))))
			}
		}
		return onTemplate(cel.Concat(lists...))
	}
	whole := func(b bypass) bool { return b.whole }
	part := func(b bypass) bool { return !b.whole }
	return []checks.BackstopRule{
		{Kinds: pods, Faults: cel.Concat(left(part), cel.When(cel.Not(ends), left(whole)))},
		{Kinds: pods, Faults: cel.When(ends, left(whole)), Severity: checks.Low},
		{Step: removedMarkFaults(p)},
	}
}

// removedMarkFaults is removedGatewayMarks.
func removedMarkFaults(p *checks.Parameters) string {
	removed := func(list string) string {
		was, is := "oldObject.metadata.?"+list+".orValue({})", "object.metadata.?"+list+".orValue({})"
		return cel.Let("is", is, cel.Let("was", was, "was.map(k, "+cel.All(
			"k.startsWith("+cel.Quote(ownPrefix)+")", `was[k] != "" && is[?k].orValue("") == ""`,
			"!(k in "+cel.Strings(exposeAnnotation, keepNodePorts)+")",
			"k != "+cel.Quote(tlsAnnotation)+" || is[?"+cel.Quote(exposeAnnotation)+`].orValue("") != ""`)+
			", "+cel.Quote("removed/"+list+"/")+" + k)"))
	}
	return cel.When(replaceSelf(foreign(p), "object"), cel.Concat(removed("annotations"), removed("labels")))
}
