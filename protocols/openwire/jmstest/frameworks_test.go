package jmstest_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// TestFrameworks runs what applications use above JMS, as it is: Spring's templates, transaction manager and listener
// containers, and JMeter's publisher and subscriber.
func TestFrameworks(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		class string
		jars  string // as Debian's libspring-jms-java and jmeter-jms install them, with what they need
	}{
		{"spring.Spring", "spring3-jms spring3-core spring3-beans spring3-context spring3-transaction spring3-messaging spring3-aop spring3-expression commons-logging"},
		{"jmeter.Sampler", "/usr/share/jmeter/lib/ext/ApacheJMeter_core.jar /usr/share/jmeter/lib/ext/ApacheJMeter_jms.jar" +
			" /usr/share/jmeter/lib/jorphan.jar /usr/share/jmeter/bin/ApacheJMeter.jar"},
	} {
		t.Run(f.class, func(t *testing.T) {
			t.Parallel()
			suite(t) // skips where Java is missing
			sources, _, _ := strings.Cut(f.class, ".")
			java, err := jmstest.Compile(t.Context(), "testdata/java/"+sources, t.TempDir(), strings.Fields(f.jars)...)
			if errors.Is(err, jmstest.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := java.Output(t.Context(), f.class, brokertest.Start(t).URL("tcp", "auto"), t.TempDir())
			if err != nil || !strings.HasSuffix(strings.TrimSpace(out), "DONE") {
				t.Errorf("%.4000s%v", out, err)
			}
		})
	}
}
