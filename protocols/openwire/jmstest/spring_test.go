package jmstest_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// springJars are Spring's JMS support and what it needs, as Debian's libspring-jms-java installs them.
const springJars = "spring3-jms spring3-core spring3-beans spring3-context spring3-transaction spring3-messaging spring3-aop spring3-expression commons-logging"

// TestSpring runs Spring's JmsTemplate, transaction manager and listener containers, as they are.
func TestSpring(t *testing.T) {
	t.Parallel()
	suite(t) // skips where Java is missing
	java, err := jmstest.Compile(t.Context(), "testdata/java/spring", t.TempDir(), strings.Fields(springJars)...)
	if errors.Is(err, jmstest.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	url := brokertest.Start(t).URL("tcp", "auto")
	out, err := java.Output(t.Context(), "spring.Spring", url)
	if err != nil || strings.TrimSpace(out) != "DONE" {
		t.Errorf("%s%v", out, err)
	}
}
