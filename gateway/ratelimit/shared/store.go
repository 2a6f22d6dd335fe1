// SPDX-License-Identifier: Apache-2.0

package shared

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
)

// Options say where a Redis is. Only Address is needed.
type Options struct {
	Address  string // host:port, or unix:/path
	TLS      *tls.Config
	Username string
	Password string
	Database int
	Prefix   string        // of all keys; "" is DefaultPrefix
	Secret   []byte        // of digests of keys
	Timeout  time.Duration // of one call; 0 is DefaultTimeout
	// Changed is told why the server was lost, and nil when it is found. It is called by
	// one goroutine at a time.
	Changed func(lost error)
}

// Defaults of Options.
const (
	DefaultPrefix  = "gatehouse"
	DefaultTimeout = 100 * time.Millisecond
)

// Bounds.
const (
	dialTimeout  = time.Second
	slowest      = 3                     // calls in a row that may time out before the server counts as lost
	firstPause   = 50 * time.Millisecond // before it is looked for again
	longestPause = 1600 * time.Millisecond
)

// ErrDown says that the server is lost, and that nobody waited for it.
var ErrDown = errors.New("the store does not answer")

// Store counts in a Redis. Any number of goroutines may use it.
type Store struct {
	o       Options
	digests digests
	current atomic.Pointer[connection] // nil: it is lost
	lost    chan error                 // wakes run, one element
	tried   chan struct{}              // closed after the first attempt
	stop    context.CancelFunc
	ended   chan struct{}
	closing sync.WaitGroup
}

// connection is a client while it works.
type connection struct {
	client rueidis.Client
	slow   atomic.Int32 // calls in a row that timed out
}

//go:embed script.lua
var text string

var script = rueidis.NewLuaScript(text)

// Open makes a Store, which looks for its server until it is closed.
func Open(o Options) *Store {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{o: o, digests: newDigests(o.Secret), lost: make(chan error, 1), tried: make(chan struct{}), stop: stop, ended: make(chan struct{})}
	go s.run(ctx)
	return s
}

// Close ends a Store. Calls fail from then on.
func (s *Store) Close() {
	s.stop()
	<-s.ended
}

// Tried is closed after the first attempt to find the server, whether it was found
// or not.
func (s *Store) Tried() <-chan struct{} { return s.tried }

// Up tells whether the server answers.
func (s *Store) Up() bool { return s.current.Load() != nil }

// Claim is one of the limits that a request is counted by. Take sets the Decision.
type Claim struct {
	// Slot is what claims of one call have in common in a cluster, where a call has
	// keys of one slot only; "" for a claim that is the only one.
	Slot     string
	Key      []byte // the whole name of the bucket
	Limit    ratelimit.Limit
	Shadow   bool // it refuses nothing
	Decision ratelimit.Decision
}

// Take counts a request by all of its claims, or, if one of them refuses it, by
// none. It returns the index of the first that does, and -1 if none does. If there
// is an error, nobody knows whether it was counted. An error of ctx is the caller's.
func (s *Store) Take(ctx context.Context, claims []Claim) (int, error) {
	c := s.current.Load()
	if c == nil {
		return 0, ErrDown
	}
	limited, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	err := s.call(limited, c.client, claims)
	for pause := time.Millisecond; again(err) && pause < 10*time.Millisecond && limited.Err() == nil; pause *= 3 {
		wait(limited, pause) // the server may have closed an idle connection, which the client finds out by and by
		err = s.call(limited, c.client, claims)
	}
	switch {
	case err == nil:
		if c.slow.Load() != 0 {
			c.slow.Store(0)
		}
	case ctx.Err() != nil:
		return 0, ctx.Err()
	default:
		if !late(err) || c.slow.Add(1) >= slowest {
			s.lose(c, err)
		}
		return 0, ErrDown
	}
	for i := range claims {
		if !claims[i].Decision.Allowed && !claims[i].Shadow {
			return i, nil
		}
	}
	return -1, nil
}

// again tells whether a failure is one of the connection, which the client opens
// anew. If the call was counted, it is counted twice.
func again(err error) bool {
	if err == nil {
		return false
	}
	_, answered := rueidis.IsRedisErr(err)
	return !answered && !late(err) && !errors.Is(err, context.Canceled)
}

// late tells whether a failure is one of time.
func late(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

func (s *Store) call(ctx context.Context, client rueidis.Client, claims []Claim) error {
	const most = 16
	keys, args := make([]string, 0, most), make([]string, 0, 3*most)
	for i := range claims {
		c := &claims[i]
		shadow := "0"
		if c.Shadow {
			shadow = "1"
		}
		keys = append(keys, s.key(c))
		args = append(args, microseconds(c.Limit.Interval()), microseconds(c.Limit.Room()), shadow)
	}
	answer, err := script.Exec(ctx, client, keys, args).AsIntSlice()
	if err != nil {
		return err
	}
	if len(answer) != 3*len(claims) {
		return fmt.Errorf("an answer of %d numbers for %d limits", len(answer), len(claims))
	}
	for i := range claims {
		a := answer[3*i : 3*i+3]
		claims[i].Decision = ratelimit.Decision{Allowed: a[0] == 1, Remaining: int(a[1]), RetryAfter: time.Duration(a[2]) * time.Microsecond}
	}
	return nil
}

// version is of what keys hold.
const version = ":1:"

func (s *Store) key(c *Claim) string {
	if c.Slot == "" {
		return s.o.Prefix + version + s.digests.of(c.Key)
	}
	return s.o.Prefix + version + "{" + s.digests.of([]byte(c.Slot)) + "}" + s.digests.of(c.Key)
}

func microseconds(d time.Duration) string {
	return strconv.FormatInt(int64(d/time.Microsecond), 10) + "." + fmt.Sprintf("%03d", d%time.Microsecond)
}

// lose says that a connection does not work.
func (s *Store) lose(c *connection, err error) {
	if s.current.CompareAndSwap(c, nil) {
		s.lost <- wordsOf(err) // there is one connection at a time, and room for one
	}
}

// wordsOf says what went wrong. Of what the server answers only the first word is
// taken: it may repeat what it was sent.
func wordsOf(err error) error {
	if answer, is := rueidis.IsRedisErr(err); is {
		word, _, _ := strings.Cut(answer.Error(), " ")
		return errors.New("it answered " + word)
	}
	if late(err) {
		return errors.New("it did not answer in time")
	}
	return err
}

// run finds the server, and finds it again when it is lost.
func (s *Store) run(ctx context.Context) {
	defer close(s.ended)
	pause, told := firstPause, false
	for ctx.Err() == nil {
		c, err := s.connect(ctx)
		if err == nil {
			s.current.Store(c)
			s.tell(nil)
			told, pause = false, firstPause
		} else if !told && ctx.Err() == nil {
			s.tell(wordsOf(err))
			told = true
		}
		s.try()
		if err != nil {
			wait(ctx, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		select {
		case <-ctx.Done():
		case why := <-s.lost:
			s.tell(why)
			told = true
		}
		s.current.CompareAndSwap(c, nil)
		s.closing.Go(c.client.Close) // which ends what waits, and may take as long as a call
	}
	s.try()
	s.closing.Wait()
}

func (s *Store) try() {
	select {
	case <-s.tried:
	default:
		close(s.tried)
	}
}

func (s *Store) tell(lost error) {
	if s.o.Changed != nil {
		s.o.Changed(lost)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// connect finds the server, and sees that it does what will be asked of it.
func (s *Store) connect(ctx context.Context) (*connection, error) {
	o := rueidis.ClientOption{
		InitAddress: []string{s.o.Address}, Username: s.o.Username, Password: s.o.Password, SelectDB: s.o.Database,
		TLSConfig: s.o.TLS, DisableCache: true, DisableRetry: true,
		Dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout}, ConnWriteTimeout: dialTimeout,
	}
	if path, unix := strings.CutPrefix(s.o.Address, "unix:"); unix {
		o.DialCtxFn = func(ctx context.Context, _ string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
			if t != nil {
				return (&tls.Dialer{NetDialer: d, Config: t}).DialContext(ctx, "unix", path)
			}
			return d.DialContext(ctx, "unix", path)
		}
		o.ForceSingleClient = true
	}
	client, err := rueidis.NewClient(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	probe := []Claim{{Key: []byte("probe"), Limit: ratelimit.Limit{Requests: 1, Per: time.Second, Burst: 1}, Shadow: true}}
	if err := s.call(ctx, client, probe); err != nil {
		client.Close()
		return nil, err
	}
	return &connection{client: client}, nil
}
