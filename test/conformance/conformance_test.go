// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	suite "sigs.k8s.io/gateway-api/conformance"
)

// The suite's own flags (-run-test, -supported-features and so on) are there too.
var (
	program = flag.String("gateway", "", "command of the program under test; empty: one runs already")
	log     = flag.String("gateway-log", "gateway.log", "file for what the program under test says")
	planes  = flag.String("gateway-parameters", "", "GatewayParameters of the class, whose Gateways have data planes of their own; empty: none")
	balance = flag.String("load-balancers", "", "range A-B of addresses of which Services of type LoadBalancer are given one, as a cloud would; empty: nobody does")
)

// endLimit is more than what the program gives requests that are under way.
const endLimit = time.Minute

func TestTheGatewayConforms(t *testing.T) {
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("there is no cluster: `make conformance` brings one up")
	}
	options := suite.DefaultOptions(t)
	class := &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: options.GatewayClassName},
		Spec:       gatewayv1.GatewayClassSpec{ControllerName: "gatehouse.sh/gateway"},
	}
	if *planes != "" {
		class.Spec.ParametersRef = &gatewayv1.ParametersReference{Group: "gatehouse.sh", Kind: "GatewayParameters", Name: *planes}
	}
	if err := options.Client.Create(t.Context(), class); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatalf("create GatewayClass: %v", err)
	}
	t.Cleanup(func() {
		// The next run is not to read what this one claimed.
		if err := options.Client.Delete(context.Background(), class); err != nil {
			t.Errorf("delete GatewayClass: %v", err)
		}
	})
	if *balance != "" {
		startBalancer(t, options.Client, *balance)
	}
	ended := startGateway(t)
	// The suite asks the class for the features that it claims before it waits for it.
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-ended:
			return false, fmt.Errorf("the gateway ended: %w", err)
		default:
		}
		if err := options.Client.Get(ctx, client.ObjectKeyFromObject(class), class); err != nil {
			return false, err
		}
		for _, c := range class.Status.Conditions {
			if c.Type == string(gatewayv1.GatewayClassConditionStatusAccepted) && c.Status == metav1.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		t.Fatalf("wait for GatewayClass %s to be accepted: %v", class.Name, err)
	}
	suite.RunConformanceWithOptions(t, options)
}

// startGateway runs the program under test until the test ends; its end before that
// is a fault.
func startGateway(t *testing.T) <-chan error {
	ended := make(chan error, 1)
	words := strings.Fields(*program)
	if len(words) == 0 {
		return ended
	}
	out, err := os.Create(*log)
	if err != nil {
		t.Fatalf("create log of the gateway: %v", err)
	}
	// Not the context of the test, which ends before it: the program is asked to end.
	cmd := exec.CommandContext(context.Background(), words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", words[0], err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		select {
		case <-gone:
			t.Errorf("the gateway ended before the tests did; the end of %s: %s", *log, tail(*log))
		default:
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ask the gateway to end: %v", err)
		}
		select {
		case <-gone:
		case <-time.After(endLimit):
			t.Errorf("the gateway did not end within %s", endLimit)
			_ = cmd.Process.Kill() // it may end at last
			<-gone
		}
		if err := out.Close(); err != nil {
			t.Errorf("close log of the gateway: %v", err)
		}
	})
	return ended
}

func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}
