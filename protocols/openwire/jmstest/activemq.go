package jmstest

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// activeMQHome is where Debian's activemq package installs the broker.
const activeMQHome = "/usr/share/activemq"

// Broker is a process of Debian's ActiveMQ, the real one.
type Broker struct {
	Port int
	dir  string
	cmd  *exec.Cmd
	log  *brokertest.Buffer
	done chan struct{}
}

// Config is what an ActiveMQ is started with, each part as the XML of its configuration.
type Config struct {
	Port       int    // of the plain listener on loopback
	Connectors string // more transportConnector elements
	Plugins    string // elements within plugins
	More       string // elements of broker that come after the persistence adapter in ActiveMQ's order
	Networks   string // elements within networkConnectors
	SSL        string // attributes of the sslContext element
}

// ActiveMQInstalled reports whether Debian's package is there.
func ActiveMQInstalled() bool {
	_, err := os.Stat(filepath.Join(activeMQHome, "bin/activemq.jar"))
	return err == nil
}

// StartActiveMQ starts the broker with its files in dir, and returns when it accepts connections. A directory that was
// used before is recovered. The process ends with the test, or by Kill.
func StartActiveMQ(t testing.TB, dir string, c Config) *Broker {
	t.Helper()
	wrap := func(name, inner string) string {
		if inner == "" {
			return ""
		}
		return "<" + name + ">" + inner + "</" + name + ">"
	}
	ssl := ""
	if c.SSL != "" {
		ssl = "<sslContext><sslContext " + c.SSL + "/></sslContext>"
	}
	text := fmt.Sprintf(`<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
  http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" useJmx="false" brokerName="localhost" dataDirectory="%[1]s/data" schedulerSupport="true">
%[2]s
%[3]s
<persistenceAdapter><kahaDB directory="%[1]s/data/kahadb"/></persistenceAdapter>
%[4]s
%[5]s
<systemUsage><systemUsage>
  <memoryUsage><memoryUsage limit="256 mb"/></memoryUsage>
  <storeUsage><storeUsage limit="8 gb"/></storeUsage><tempUsage><tempUsage limit="1 gb"/></tempUsage>
</systemUsage></systemUsage>
<transportConnectors>
<transportConnector name="openwire" uri="tcp://127.0.0.1:%[6]d?wireFormat.maxFrameSize=104857600"/>
%[7]s
</transportConnectors>
</broker>
</beans>
`, escape(dir), c.More, wrap("networkConnectors", c.Networks), wrap("plugins", c.Plugins), ssl, c.Port, c.Connectors)
	return RunActiveMQ(t, dir, text, c.Port)
}

// RunActiveMQ starts the broker with an activemq.xml of the caller's, like StartActiveMQ. port is one of its plain
// listeners on loopback; the properties are Java's options, such as -Dname=value.
func RunActiveMQ(t testing.TB, dir, text string, port int, properties ...string) *Broker {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "conf/activemq.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := "log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
	if err := os.WriteFile(filepath.Join(dir, "conf/log4j.properties"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &Broker{Port: port, dir: dir, log: new(brokertest.Buffer), done: make(chan struct{})}
	args := append([]string{"-Xms64M", "-Xmx768M", "-XX:+UseSerialGC", "-Dactivemq.home=" + activeMQHome, "-Dactivemq.base=" + dir,
		"-Dactivemq.conf=" + filepath.Join(dir, "conf"), "-Dactivemq.data=" + filepath.Join(dir, "data")}, properties...)
	args = append(args, "-classpath", filepath.Join(dir, "conf")+":"+filepath.Join(activeMQHome, "bin/activemq.jar"),
		"org.apache.activemq.console.Main", "start", "xbean:file:"+file)
	b.cmd = exec.Command("java", args...)
	b.cmd.Stdout, b.cmd.Stderr = b.log, b.log
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = b.cmd.Wait()
		close(b.done)
	}()
	t.Cleanup(func() {
		b.Kill()
		if t.Failed() {
			t.Logf("ActiveMQ wrote:\n%.8000s", b.log.String())
		}
	})
	AwaitPort(t, port, b.done)
	return b
}

// Kill ends the process with SIGKILL, and returns when it has gone.
func (b *Broker) Kill() {
	_ = b.cmd.Process.Kill()
	<-b.done
}

// AwaitPort waits until something accepts on a port of loopback, or fails when the process has ended.
func AwaitPort(t testing.TB, port int, ended <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("the process on port %d ended", port)
		case <-ctx.Done():
			t.Fatalf("nothing accepts on port %d", port)
		}
	}
}

// FreePort returns a port of loopback that nobody listens on now.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
