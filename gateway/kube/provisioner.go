// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// provisioner has the API server have the objects of Gateways: by server-side apply, of
// what belongs to the Gateway by an owner reference, and nothing else.
type provisioner struct {
	client  *client
	options *provision.Options
	log     logr.Logger
	changed func()

	wake chan struct{}

	mu     sync.Mutex
	wanted map[translate.Name]*provision.Gateway // nil: what there is of it goes
	state  map[translate.Name]*provisioned
}

// provisioned is what became of one Gateway.
type provisioned struct {
	sum    [sha256.Size]byte  // of what was applied
	of     *provision.Gateway // that it was made for, or was to be
	bundle []byte
	fault  error
	since  time.Time // since when there is one
	due    time.Time // when it is applied again
	wait   time.Duration
	told   bool // that nobody waits for it any more
}

// Times between two applications.
const (
	// reapply is for what others have changed or deleted: there is no watch on it.
	reapply = 5 * time.Minute
	// leastReapply and mostReapply are after a fault, each twice as long as the one before.
	leastReapply, mostReapply = time.Second, 2 * time.Minute
)

func newProvisioner(c *client, o *provision.Options, log logr.Logger, changed func()) *provisioner {
	return &provisioner{client: c, options: o, log: log, changed: changed, wake: make(chan struct{}, 1), state: map[translate.Name]*provisioned{}}
}

// want replaces what is wanted.
func (p *provisioner) want(all map[translate.Name]*provision.Gateway) {
	p.mu.Lock()
	p.wanted = all
	p.mu.Unlock()
	signal(p.wake)
}

// fault is why the objects of a Gateway are not as they are to be. done is false before
// they were applied once.
func (p *provisioner) fault(gateway translate.Name) (done bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state[gateway]
	if s == nil {
		return false, nil
	}
	return s.sum != [sha256.Size]byte{}, s.fault
}

// run applies until ctx ends.
func (p *provisioner) run(ctx context.Context) {
	tick := time.NewTicker(leastReapply)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-tick.C:
		}
		p.round(ctx)
	}
}

// round applies what is due.
func (p *provisioner) round(ctx context.Context) {
	p.mu.Lock()
	wanted := p.wanted
	for name := range p.state {
		if _, is := wanted[name]; !is {
			delete(p.state, name) // it is gone, and its objects with it
		}
	}
	p.mu.Unlock()
	for _, name := range slices.SortedFunc(maps.Keys(wanted), compare) {
		if ctx.Err() != nil {
			return
		}
		p.one(ctx, name, wanted[name])
	}
}

// one applies the objects of one Gateway, if they are due.
func (p *provisioner) one(ctx context.Context, name translate.Name, g *provision.Gateway) {
	now := time.Now()
	if p.rests(name, g, now) {
		return
	}
	objects, sum, err := p.objects(name, g)
	p.mu.Lock()
	s := p.state[name]
	if s == nil {
		s = &provisioned{wait: leastReapply}
		p.state[name] = s
	}
	s.of = g
	due := s.fault == nil && s.sum != sum || !now.Before(s.due)
	p.mu.Unlock()
	if !due {
		return
	}
	if err == nil {
		err = p.make(ctx, name, g, objects)
	}
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	before := s.fault
	s.fault = err
	if err == nil {
		s.sum, s.wait, s.due = sum, leastReapply, now.Add(reapply)
		if g != nil {
			s.bundle, s.told = g.Bundle, false
		}
	} else {
		s.due, s.wait = now.Add(s.wait), min(2*s.wait, mostReapply)
		if before == nil {
			s.since = now
		}
	}
	p.mu.Unlock()
	p.tell(name, before, err)
	p.changed()
}

// rests tells whether nothing is due of a Gateway, without a look at its objects: they are
// made from what is wanted of it alone.
func (p *provisioner) rests(name translate.Name, g *provision.Gateway, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state[name]
	return s != nil && now.Before(s.due) && (s.fault != nil || reflect.DeepEqual(s.of, g))
}

// tell logs the first of equal faults.
func (p *provisioner) tell(name translate.Name, before, now error) {
	switch {
	case now != nil && (before == nil || before.Error() != now.Error()):
		p.log.Error(now, "the objects of a Gateway cannot be made", "gateway", name.String())
	case now == nil && before != nil:
		p.log.Info("the objects of a Gateway are made", "gateway", name.String())
	}
}

// objects are those of a Gateway, and a sum of them; none of one that is not wanted.
func (p *provisioner) objects(name translate.Name, g *provision.Gateway) ([]provision.Object, [sha256.Size]byte, error) {
	if g == nil {
		return nil, sha256.Sum256([]byte(name.String())), nil
	}
	all, err := provision.Objects(g, p.options)
	var text bytes.Buffer
	for i := range all {
		text.Write(all[i].Body)
	}
	return all, sha256.Sum256(text.Bytes()), err
}

// make has the API server have these objects of a Gateway, and none of the others.
func (p *provisioner) make(ctx context.Context, name translate.Name, g *provision.Gateway, all []provision.Object) error {
	made := map[string]bool{}
	for i := range all {
		made[all[i].Resource] = true
		if err := p.apply(ctx, name, g, &all[i]); err != nil {
			return said(err, name.Namespace)
		}
	}
	if g != nil && g.Keep {
		return nil
	}
	for _, resource := range provision.Withdrawn() {
		if o := (provision.Object{Resource: resource, Name: provision.Name(name.Name)}); !made[resource] {
			if err := p.remove(ctx, name, &o); err != nil {
				return said(err, name.Namespace)
			}
		}
	}
	return nil
}

// said says which right is missing, if one is: admission forbids by the same status, and no
// role helps against that.
func said(err error, namespace string) error {
	if apierrors.IsForbidden(err) && strings.Contains(err.Error(), noRight) {
		return fmt.Errorf("bind ClusterRole gatehouse-gateway-provisioner in namespace %s: %w", namespace, err)
	}
	return err
}

// noRight is how the API server words that the authorizer has not let somebody do something
// (https://pkg.go.dev/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters#Forbidden).
const noRight = ` is forbidden: User "`

// provisionManager is by which name the API server knows the fields of these objects.
const provisionManager = "gatehouse-gateway-provisioner"

// apply makes an object, or has it say what it should. One that is another's is left.
func (p *provisioner) apply(ctx context.Context, name translate.Name, g *provision.Gateway, o *provision.Object) error {
	at := o.Path(name.Namespace)
	owner, found, err := p.owner(ctx, at)
	if err != nil {
		return err
	}
	if found && owner.UID != g.UID {
		return fmt.Errorf("%s is there, and is not of this Gateway", strings.TrimPrefix(at, "/"))
	}
	query := "?fieldManager=" + provisionManager
	if found { // somebody else may have made one just now, which is not to be taken from him
		query += "&force=true"
	}
	if err := p.client.send(ctx, http.MethodPatch, at+query, string(types.ApplyPatchType), o.Body, nil); err != nil {
		return fmt.Errorf("apply %s: %w", strings.TrimPrefix(at, "/"), err)
	}
	return nil
}

// remove deletes an object that a Gateway of this name has had, and that was made here.
func (p *provisioner) remove(ctx context.Context, name translate.Name, o *provision.Object) error {
	at := o.Path(name.Namespace)
	owner, found, err := p.owner(ctx, at)
	if err != nil || !found || owner.Kind != "Gateway" || owner.Name != name.Name || owner.by != p.options.Controller {
		return err
	}
	body, err := json.Marshal(metav1.DeleteOptions{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"}, Preconditions: &metav1.Preconditions{UID: &owner.object, ResourceVersion: &owner.version}})
	if err != nil {
		return err
	}
	if err := p.client.send(ctx, http.MethodDelete, at, runtime.ContentTypeJSON, body, nil); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s: %w", strings.TrimPrefix(at, "/"), err)
	}
	return nil
}

// owner is the controller of an object.
type owner struct {
	metav1.OwnerReference
	object  types.UID
	version string
	by      string // the controller's name that has made the object
}

// owner returns whose an object is, and whether it is there.
func (p *provisioner) owner(ctx context.Context, at string) (out owner, found bool, err error) {
	var is metav1.PartialObjectMetadata
	err = p.client.send(ctx, http.MethodGet, at, "", nil, &is)
	switch {
	case apierrors.IsNotFound(err):
		return out, false, nil
	case err != nil:
		return out, false, fmt.Errorf("read %s: %w", strings.TrimPrefix(at, "/"), err)
	case is.UID == "":
		return out, false, errors.New("read " + strings.TrimPrefix(at, "/") + ": it has no UID")
	}
	if o := metav1.GetControllerOf(&is); o != nil {
		out.OwnerReference = *o
	}
	out.object, out.version, out.by = is.UID, is.ResourceVersion, is.Annotations[provision.ControllerAnnotation]
	return out, true, nil
}
