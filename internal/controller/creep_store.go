// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
)

// SnapshotName names the ConfigMap that holds the last snapshot of roles and
// bindings. It comes with the manifests, empty, so that the controller needs no
// right to create ConfigMaps, which cannot be limited to a name.
const SnapshotName = "gatehouse-rbac-snapshot"

const (
	snapshotData  = "snapshot.json.gz"
	snapshotTaken = "gatehouse.sh/taken-at" // annotation: when, by RFC 3339

	// maxSnapshot is below the 1 MiB that a ConfigMap may hold, its own metadata
	// included. https://kubernetes.io/docs/concepts/configuration/configmap/#motivation
	maxSnapshot = 900 << 10

	// maxUnpacked bounds what a stored snapshot may unpack to. RBAC compresses to a
	// tenth or less, so one of 900 KiB has some 10 MiB.
	maxUnpacked = 64 << 20
)

// pack compresses a snapshot.
func pack(s *snapshot.Snapshot, taken time.Time) (*earlier, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(s), z.Close()); err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return &earlier{taken, b.Bytes()}, nil
}

func (e *earlier) unpack() (*snapshot.Snapshot, error) {
	z, err := gzip.NewReader(bytes.NewReader(e.data))
	if err != nil {
		return nil, fmt.Errorf("unpack snapshot: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("unpack snapshot: %w", err)
	}
	if len(data) > maxUnpacked {
		return nil, fmt.Errorf("unpack snapshot: it has more than %d bytes", maxUnpacked)
	}
	return snapshot.Parse(data)
}

// load reads what is stored; nil when there is nothing yet.
func (c *Creep) load(ctx context.Context) (*earlier, error) {
	cm := &corev1.ConfigMap{}
	err := c.Reader.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: SnapshotName}, cm)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ConfigMap %s/%s: %w", c.Namespace, SnapshotName, err)
	}
	return heldBy(cm), nil
}

// heldBy takes what a ConfigMap holds. A date that cannot be read is long ago:
// what is stored is compared with at once.
func heldBy(cm *corev1.ConfigMap) *earlier {
	data := cm.BinaryData[snapshotData]
	if len(data) == 0 {
		return nil
	}
	taken, err := time.Parse(time.RFC3339, cm.Annotations[snapshotTaken])
	if err != nil {
		taken = time.Time{}
	}
	return &earlier{taken, data}
}

// store writes a snapshot into the ConfigMap.
func (c *Creep) store(ctx context.Context, e *earlier) error {
	patch, err := json.Marshal(map[string]any{
		"metadata":   map[string]any{"annotations": map[string]string{snapshotTaken: e.taken.UTC().Format(time.RFC3339)}},
		"binaryData": map[string][]byte{snapshotData: e.data},
	})
	if err != nil {
		return fmt.Errorf("encode ConfigMap %s/%s: %w", c.Namespace, SnapshotName, err)
	}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: SnapshotName}}
	if err := c.Client.Patch(ctx, cm, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("write ConfigMap %s/%s: %w", c.Namespace, SnapshotName, err)
	}
	return nil
}
