package amqptest_test

import (
	"testing"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
)

// start skips: the broker has no AMQP listener yet, so that the suite needs one that is named by its address.
func start(t *testing.T) listener {
	t.Helper()
	t.Skip("MANIFOLD_TEST_AMQP_URL names no broker")
	return listener{Plain: amqptest.Target{}}
}
