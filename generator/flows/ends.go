// SPDX-License-Identifier: Apache-2.0

package flows

// ends remembers what the texts of ends say. That of a pod is the same in every
// flow, and half of the flow: to look it up takes a fourth of reading it.
type ends struct {
	known map[string]knownEnd
	bytes int

	one *decoder // reads those that are new
}

// knownEnd is an end, and the domain names that the generic form has there.
type knownEnd struct {
	Endpoint
	names []string
}

// maxEnds bounds the texts that are remembered, in bytes: those of some 18,000 pods.
// Beyond it, and for a text that is longer than any pod's, ends are read as if they
// were new.
const (
	maxEnds = 8 << 20
	maxEnd  = 4 << 10
)

// end reads one end of a flow: the fields add to what is known of it.
func (d *decoder) end(e *Endpoint) {
	text := d.value()
	if len(text) == 0 || text[0] != '{' {
		return
	}
	known, ok := d.ends.known[string(text)]
	if !ok {
		known = d.ends.read(text)
	}
	e.merge(&known.Endpoint)
	if e == &d.flow.Destination {
		d.flow.Names = append(d.flow.Names, known.names...)
	}
}

// merge adds what another says. Nothing of its lists is kept.
func (e *Endpoint) merge(o *Endpoint) {
	if o.Namespace != "" {
		e.Namespace = o.Namespace
	}
	if o.Pod != "" {
		e.Pod = o.Pod
	}
	if o.Address.IsValid() {
		e.Address = o.Address
	}
	e.Reserved |= o.Reserved
	e.Workloads = append(e.Workloads, o.Workloads...)
	e.Labels = append(e.Labels, o.Labels...)
}

// read reads a text that was checked already, and remembers it. What it returns is
// not to be changed.
func (r *ends) read(text []byte) knownEnd {
	if r.one == nil {
		r.one = &decoder{}
	}
	var f Flow
	r.one.flow = &f
	r.one.start(text)
	r.one.object(func(name []byte) { r.one.endpoint(name, &f.Destination) })
	end := knownEnd{f.Destination, f.Names}
	if len(text) > maxEnd {
		return end
	}
	if r.known == nil || r.bytes+len(text) > maxEnds {
		r.known, r.bytes = make(map[string]knownEnd, 256), 0
	}
	r.known[string(text)] = end
	r.bytes += len(text)
	return end
}
