// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestConfigMaps: variables of a ConfigMap, its files, what is mounted of it and
// what is not, and one that was not given.
func TestConfigMaps(t *testing.T) {
	t.Parallel()
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	yes := true
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "c"}, Data: map[string]string{
		"app.yaml": "redis:\n  host: redis\n", "other.yaml": "url: http://search:9200\n",
	}}
	variables := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "env"}, Data: map[string]string{"DB_HOST": "db", "DB_PORT": "5432"}}
	volume := func(items ...corev1.KeyToPath) corev1.Volume {
		return corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c"), Items: items}}}
	}
	projected := corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: named("c"), Items: []corev1.KeyToPath{{Key: "other.yaml"}}}},
	}}}}
	key := func(name, key string) []corev1.EnvVar {
		return []corev1.EnvVar{{Name: "TARGET_HOST", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named(name), Key: key}}}}
	}
	from := func(name string, optional *bool) []corev1.EnvFromSource {
		return []corev1.EnvFromSource{{Prefix: "APP_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: named(name), Optional: optional}}}
	}

	for name, c := range map[string]struct {
		container corev1.Container
		volumes   []corev1.Volume
		want      []string
	}{
		"its variables, with a prefix":          {container: corev1.Container{EnvFrom: from("env", nil)}, want: []string{"Service shop/db TCP/5432 likely"}},
		"one variable":                          {container: corev1.Container{Env: key("env", "DB_HOST")}, want: []string{"Service shop/db any port likely"}},
		"a variable that it lacks":              {container: corev1.Container{Env: key("env", "NOTHING")}},
		"its files":                             {volumes: []corev1.Volume{volume()}, want: []string{"Service shop/redis any port likely", "Service shop/search TCP/9200 likely"}},
		"one of its files":                      {volumes: []corev1.Volume{volume(corev1.KeyToPath{Key: "other.yaml"}, corev1.KeyToPath{Key: "absent"})}, want: []string{"Service shop/search TCP/9200 likely"}},
		"a file among others":                   {volumes: []corev1.Volume{projected}, want: []string{"Service shop/search TCP/9200 likely"}},
		"variables of one that is not there":    {container: corev1.Container{EnvFrom: from("gone", nil)}, want: []string{"problem: its variables come from ConfigMap shop/gone, which was not given"}},
		"one that need not be there":            {container: corev1.Container{EnvFrom: from("gone", &yes)}},
		"an address of one that is not there":   {container: corev1.Container{Env: key("gone", "x")}, want: []string{"problem: the address comes from ConfigMap shop/gone, which was not given"}},
		"a later variable replaces an earlier":  {container: corev1.Container{EnvFrom: from("env", nil), Env: []corev1.EnvVar{{Name: "APP_DB_HOST", Value: "mysql"}, {Name: "APP_DB_PORT", Value: "3306"}}}, want: []string{"Service shop/mysql TCP/3306 likely"}},
		"a variable refers to one of ConfigMap": {container: corev1.Container{EnvFrom: from("env", nil), Args: []string{"--url=postgres://$(APP_DB_HOST)"}}, want: []string{"Service shop/db TCP/5432 likely"}},
	} {
		c.container.Name = "web"
		web := deployment("web", c.container)
		web.Spec.Template.Spec.Volumes = c.volumes
		if got := found(t, Options{}, append(surroundings(), web, config, variables)...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}
