// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxConnections is how many connections are open at once, of everybody together. An
// idle one takes some 40 KiB, so these take 20 of the 512 MiB that the manifests give. An
// API server opens one for each review that it sends at the same time, and keeps 25 of
// them (https://pkg.go.dev/k8s.io/apimachinery/pkg/util/net#SetTransportDefaults).
const maxConnections = 512

// connections are the open connections of a server. Whoever reaches the port may open
// as many as he likes; when there are too many, one without a request under way is
// closed to make room, the oldest of the address that has the most. So an API server,
// which has few, finds room whatever one address does. Safe for concurrent use.
type connections struct {
	most    int
	evicted prometheus.Counter

	mu   sync.Mutex
	open []*connection // the oldest first
}

func newConnections(most int, r prometheus.Registerer) (*connections, error) {
	c := &connections{most: most, evicted: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gatehouse_webhook_connections_closed_total", Help: "Connections closed because too many were open.",
	})}
	return c, r.Register(c.evicted)
}

// connection is one of them. Its fields belong to connections.
type connection struct {
	net.Conn
	of   *connections
	host string // address of the other side, without the port
	busy bool   // a request is under way
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.remove(c)
	return c.Conn.Close()
}

// listener is a listener whose connections are counted.
type listener struct {
	net.Listener
	of *connections
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		host = "" // one without a port is of the same unknown side as others
	}
	c := &connection{Conn: conn, of: l.of, host: host}
	if idle := l.of.add(c); idle != nil {
		l.of.evicted.Inc()
		_ = idle.Conn.Close() // whoever reads it is told
	}
	return c, nil
}

// add adds a connection and returns one to close in its place, which may be the new
// one; nil while there is room. It is not among the open ones any more.
func (c *connections) add(one *connection) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, one)
	if len(c.open) <= c.most {
		return nil
	}
	count := map[string]int{}
	for _, o := range c.open {
		count[o.host]++
	}
	at := -1
	for i, o := range c.open[:c.most] {
		if !o.busy && (at < 0 || count[o.host] > count[c.open[at].host]) {
			at = i
		}
	}
	if at < 0 { // each is busy: whoever comes now must come again
		at = c.most
	}
	out := c.open[at]
	c.open = slices.Delete(c.open, at, at+1)
	return out
}

func (c *connections) remove(one *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.open, one); i >= 0 {
		c.open = slices.Delete(c.open, i, i+1)
	}
}

// follow is the ConnState of the server.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	if secure, is := conn.(*tls.Conn); is {
		conn = secure.NetConn()
	}
	one, is := conn.(*connection)
	if !is {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one.busy = state == http.StateActive
}
