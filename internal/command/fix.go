// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fix"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// fixFlags are the flags of `gatehouse fix`.
type fixFlags struct {
	judge judgeFlags
	write bool
	diff  bool
}

func (a *app) fixCommand() *cobra.Command {
	var f fixFlags
	cmd := &cobra.Command{
		Use:   "fix PATH...|-",
		Short: "Repair manifests where that is safe",
		Long: "Print the manifests with the findings repaired that have a safe repair. Only what must change does:\n" +
			"comments, order and formatting stay. What cannot be written so is refused and told.\n\n" +
			"Exit codes: 0 done (findings without a safe repair may be left), 2 something could not be read or repaired.",
		Example: a.examples("  gatehouse fix --diff deploy/\n  gatehouse fix --write deploy/ --checks EXP-001\n  gatehouse fix service.yaml | kubectl apply -f -"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errNoPaths
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.fix(cmd.Context(), f, args) },
	}
	f.judge.add(a, cmd)
	cmd.Flags().Lookup("exemptions").Usage = "`file` with Exemptions"
	cmd.Flags().Lookup("quiet").Usage = "say only what could not be read or repaired"
	cmd.Flags().BoolVar(&f.write, "write", false, "write the files instead of printing them")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "print what would change instead")
	return cmd
}

// manifest is one file and what is to be changed in it.
type manifest struct {
	name    string
	text    []byte
	repairs []fix.Repair
	about   []string // "EXP-001 of Service shop/web"
	fixed   []byte
}

func (a *app) fix(ctx context.Context, f fixFlags, paths []string) error {
	if f.write && f.diff {
		return errors.New("--write and --diff exclude each other")
	}
	if f.write && slices.Contains(paths, files.Stdin) {
		return errors.New("--write cannot write to the standard input")
	}
	var stdin []byte
	if slices.Contains(paths, files.Stdin) {
		var err error
		if stdin, err = io.ReadAll(io.LimitReader(a.In, files.DefaultMaxBytes)); err != nil {
			return fmt.Errorf("read the standard input: %w", err)
		}
		a.In = bytes.NewReader(stdin)
	}
	if f.judge.exemptions == ofCluster {
		return errors.New("--exemptions cluster reads a cluster, and fix reads none: name a file")
	}
	r, err := f.judge.rules(a)
	if err != nil {
		return err
	}
	read, err := a.loadFiles(ctx, paths, f.judge.quiet)
	if err != nil {
		return err
	}
	j := judging{app: a, rules: r, loaded: &read, namespace: f.judge.namespace, quiet: f.judge.quiet}
	if err := j.empty(); err != nil {
		return err
	}
	list, left := a.manifests(&j, j.all())
	faults := read.faults
	for _, m := range list {
		if target := leadsOut(m.name, paths); f.write && target != "" && len(m.repairs) > 0 {
			m.repairs, m.about = nil, nil
			faults = append(faults, report.Fault{File: m.name, Message: "is not repaired, because it is a link that leads out of what was named: name " + target + " to repair it"})
		}
		if fault := a.repair(ctx, m, stdin, faults); fault != nil {
			faults = append(faults, *fault)
		}
	}
	if err := a.emit(f, list); err != nil {
		return err
	}
	if !f.judge.quiet {
		a.sum(f, list, left)
	}
	a.tell(faults)
	if len(faults) > 0 {
		return failure(ExitFault)
	}
	return nil
}

// manifests groups the repairs by file, in the order of reading, and counts
// the findings that are left.
func (a *app) manifests(j *judging, verdicts []judgement) ([]*manifest, int) {
	out, byName, index := places(j.loaded)
	left := 0
	for _, one := range verdicts {
		after, ids := a.after(one)
		switch {
		case len(ids) == 0:
			left += len(one.verdict)
		case one.repairable() && index[one.target] >= 0:
			m := byName[one.item.File]
			m.repairs = append(m.repairs, fix.Repair{Index: index[one.target], After: after})
			for _, id := range ids {
				m.about = append(m.about, id+" of "+one.key.String())
			}
			repaired := *one.target
			repaired.object = after
			mode, profile := j.scope(&repaired)
			left += len(j.one(&repaired, mode, profile))
		default:
			left += len(one.verdict)
			if one.item.Kustomization != "" {
				a.say("note: %s: made by kustomize: repair the files that it builds from", one.key)
			}
		}
	}
	return out, left
}

// places lists the files of the targets, and where in its file each target
// stands: -1 for one that does not stand in a file, or was read before.
func places(read *loaded) (list []*manifest, byName map[string]*manifest, index map[*target]int) {
	byName, index = map[string]*manifest{}, map[*target]int{}
	count, seen := map[string]int{}, map[string]bool{}
	for i := range read.targets {
		t := &read.targets[i]
		id := fmt.Sprintf("%s:%d:%d:%d:%s", t.item.File, t.item.Line, t.item.Document, t.item.Element, t.key)
		if !t.repairable() || seen[id] {
			index[t] = -1
			continue
		}
		seen[id] = true
		index[t] = count[t.item.File]
		count[t.item.File]++
		if byName[t.item.File] == nil {
			byName[t.item.File] = &manifest{name: t.item.File}
			list = append(list, byName[t.item.File])
		}
	}
	return list, byName, index
}

// after returns the repaired object and the checks that were repaired.
func (a *app) after(one judgement) (inventory.Object, []string) {
	after, ok := one.object.DeepCopyObject().(inventory.Object)
	if !ok {
		return nil, nil
	}
	var ids []string
	for _, f := range one.verdict {
		c, known := a.set.Lookup(f.Check)
		if known && c.Fix != nil && f.Certainty == checks.Violation && !slices.Contains(ids, c.ID) {
			c.Fix(after)
			ids = append(ids, c.ID)
		}
	}
	return after, ids
}

// repair reads a file again and computes its new text. A file with faults is
// left as it is: nobody knows what stands in the unread part.
func (a *app) repair(ctx context.Context, m *manifest, stdin []byte, faults []report.Fault) *report.Fault {
	m.text = stdin
	if m.name != files.Stdin {
		var err error
		if m.text, err = os.ReadFile(m.name); err != nil {
			return &report.Fault{File: m.name, Message: err.Error()}
		}
	}
	m.fixed = m.text
	if len(m.repairs) == 0 {
		return nil
	}
	if slices.ContainsFunc(faults, func(f report.Fault) bool { return f.File == m.name }) {
		m.about = nil
		return &report.Fault{File: m.name, Message: "is not repaired, because not all of it can be read"}
	}
	fixed, err := fix.Text(ctx, m.text, m.repairs)
	var refusal *fix.RefusalError
	switch {
	case errors.As(err, &refusal):
		m.about = nil
		message := "cannot be repaired with its formatting kept: " + refusal.Why
		if refusal.Field != "" {
			message = refusal.Field + " " + message
		}
		return &report.Fault{File: m.name, Line: refusal.Line, Message: message}
	case err != nil:
		m.about = nil
		return &report.Fault{File: m.name, Message: err.Error()}
	}
	m.fixed = fixed
	return nil
}

// emit writes the result where the flags say.
func (a *app) emit(f fixFlags, list []*manifest) error {
	for i, m := range list {
		changed := !bytes.Equal(m.text, m.fixed)
		var err error
		switch {
		case f.write && changed:
			err = replaceFile(m.name, 0o644, func(out *os.File) error {
				_, err := out.Write(m.fixed)
				return err
			})
		case f.write:
		case f.diff && changed:
			_, err = a.Out.Write(a.shown(diff.Diff("a/"+m.name, m.text, "b/"+m.name, m.fixed)))
		case f.diff:
		default:
			err = a.print(m.fixed, i > 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// print writes a text so that several make one stream.
func (a *app) print(text []byte, more bool) error {
	var out []byte
	if more && !bytes.HasPrefix(text, []byte("---")) {
		out = append(out, "---\n"...)
	}
	out = append(out, text...)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	_, err := a.Out.Write(a.shown(out))
	return err
}

// shown returns the text of a file as it may be written to the standard output: as
// it is for a program that reads it, in visible characters on a terminal.
func (a *app) shown(text []byte) []byte {
	if _, terminal := isTerminal(a.Out); terminal {
		return report.Visible(text)
	}
	return text
}

// sum tells what was repaired.
func (a *app) sum(f fixFlags, list []*manifest, left int) {
	verb, n := "repairs", 0
	if f.write {
		verb = "repaired"
	}
	for _, m := range list {
		for _, about := range m.about {
			a.say("%s: %s %s", placeOf(m.name, 0), verb, about)
			n++
		}
	}
	words := []string{fmt.Sprintf("%d repaired", n)}
	if n == 0 {
		words[0] = "nothing to repair"
	}
	if left > 0 {
		words = append(words, fmt.Sprintf("%s left without a safe repair: see %s check", count(left, "finding"), a.name))
	}
	a.say("%s", strings.Join(words, ", "))
}
